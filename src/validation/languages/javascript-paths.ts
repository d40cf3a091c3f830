import type { CallArguments } from '../evaluator.ts';
import { type SyntaxNode, childOf, namedChildren } from '../syntax-tree.ts';

const GLOBALS = new Set(['globalThis', 'global', 'window', 'self', 'top', 'parent', 'frames']);

/** The shortest name of a JavaScript path: globals without their object, modules by one name. */
export function canonicalJavaScript(path: string): string {
  const segments = path.split('.');
  while (segments.length > 1 && GLOBALS.has(segments[0]!) && segments[1] !== '?') segments.shift();
  if (segments[0] === 'fs/promises') segments[0] = 'fs';
  if (segments[0] === 'fs' && segments[1] === 'promises') segments.splice(1, 1);
  if (segments[0] === 'assert/strict') segments[0] = 'assert';
  if (segments[0] === 'process' && segments[1] === 'process') segments.shift();
  if (segments.at(-1) === 'default' && segments.length > 1) segments.pop();
  const joined = segments.join('.');
  if (
    /^(?:module\.require|require\.main\.require|process\.mainModule\.require|module\.createRequire\(\)|module\.Module\.createRequire\(\))$/.test(
      joined,
    )
  )
    return 'require';
  return joined;
}

const NO_NAMES: ReadonlyMap<string, SyntaxNode> = new Map();

/** The arguments of a call; a tagged template has its template. */
export function argumentsOf(call: SyntaxNode): CallArguments {
  const list = childOf(call, 'arguments');
  if (!list) return { positional: [], named: NO_NAMES };
  return { positional: list.type === 'template_string' ? [list] : namedChildren(list), named: NO_NAMES };
}
