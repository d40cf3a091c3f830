import { LIMITS } from './budget.ts';
import type { SyntaxNode } from './syntax-tree.ts';

/**
 * What an expression may stand for. `path` is a qualified name such as `os.system`, with `()` for the result of a call, `[]` for
 * an unknown item and `?` for an unknown origin. `built` says that a name or text was assembled rather than written out, `decoded` that
 * nobody could read it in the source: it was escaped, encoded, reversed or made of numbers.
 */
export type Value =
  | { readonly kind: 'path'; readonly path: string; readonly built: boolean }
  | { readonly kind: 'text'; readonly text: string; readonly built: boolean; readonly decoded: boolean }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'list'; readonly items: readonly Values[] }
  | { readonly kind: 'dict'; readonly entries: ReadonlyMap<string, Values> }
  | { readonly kind: 'function'; readonly node: SyntaxNode };

/** All that an expression may stand for; empty when nothing is known. */
export type Values = readonly Value[];

export const UNKNOWN: Values = [];

export const pathValue = (path: string, built = false): Value => ({ kind: 'path', path, built });
export const textValue = (text: string, built = false, decoded = false): Value => ({
  kind: 'text',
  text,
  built,
  decoded,
});
export const numberValue = (value: number): Value => ({ kind: 'number', value });
export const listValue = (items: readonly Values[]): Value => ({ kind: 'list', items });

/** One value, or none when a text or a path has outgrown what is worth knowing. */
export function only(value: Value): Values {
  if (value.kind === 'text' && value.text.length > LIMITS.textChars) return UNKNOWN;
  if (value.kind === 'path' && value.path.length > LIMITS.pathChars) return [pathValue('?', value.built)];
  return [value];
}

/** Joins alternatives, equal ones once, up to a bound. */
export function union(groups: Iterable<Values>): Values {
  const all: Value[] = [];
  for (const group of groups) {
    for (const value of group) {
      if (all.length >= LIMITS.valuesPerName) return all;
      if (!all.some((known) => sameValue(known, value))) all.push(value);
    }
  }
  return all;
}

function sameValue(a: Value, b: Value): boolean {
  if (a === b) return true;
  if (a.kind === 'path' && b.kind === 'path') return a.path === b.path && a.built === b.built;
  if (a.kind === 'text' && b.kind === 'text')
    return a.text === b.text && a.built === b.built && a.decoded === b.decoded;
  if (a.kind === 'number' && b.kind === 'number') return a.value === b.value;
  return a.kind === 'function' && b.kind === 'function' && a.node === b.node;
}

/** Every combination of two alternatives, up to a bound. */
export function combine(
  left: Values,
  right: Values,
  join: (a: Value, b: Value) => Value | undefined,
): Values {
  const all: Value[] = [];
  for (const a of left) {
    for (const b of right) {
      const joined = join(a, b);
      if (joined) all.push(...only(joined));
      if (all.length >= LIMITS.valuesPerName) return all;
    }
  }
  return all;
}

/** The texts among the values. */
export function textsOf(values: Values): string[] {
  return values.flatMap((value) => (value.kind === 'text' ? [value.text] : []));
}

/** The paths among the values. */
export function pathsOf(values: Values): string[] {
  return values.flatMap((value) => (value.kind === 'path' ? [value.path] : []));
}

/** The only text that a list of alternatives can be, with whether it was assembled; undefined when it is not one. */
export function singleText(values: Values): { text: string; built: boolean; decoded: boolean } | undefined {
  const value = values.length === 1 ? values[0] : undefined;
  if (value?.kind === 'text') return value;
  return value?.kind === 'number' ? { text: String(value.value), built: true, decoded: false } : undefined;
}

/** The items of a value that is a list or a text with a known length. */
export function itemsOf(values: Values): readonly Values[] | undefined {
  const value = values.length === 1 ? values[0] : undefined;
  if (value?.kind === 'list') return value.items.length <= LIMITS.listItems ? value.items : undefined;
  if (value?.kind === 'text' && value.text.length <= LIMITS.listItems)
    return [...value.text].map((char) => [textValue(char, true, value.decoded)]);
  return undefined;
}
