import { LIMITS } from '../budget.ts';
import type { Evaluator } from '../evaluator.ts';
import { type SyntaxNode, childOf, namedChildren } from '../syntax-tree.ts';
import { add, decode, joinTexts, reversed, slice } from '../text-folding.ts';
import {
  UNKNOWN,
  type Value,
  type Values,
  itemsOf,
  listValue,
  numberValue,
  only,
  pathValue,
  singleText,
  textValue,
  union,
} from '../values.ts';
import { modulePath } from './javascript-names.ts';
import { argumentsOf, canonicalJavaScript } from './javascript-paths.ts';

/** What is called, and with what: `f.call(x, …)` and `f.apply(x, […])` are calls of `f`. */
export function unwrapCall(
  node: SyntaxNode,
  evaluator: Evaluator,
): { callee: Values; args: readonly Values[] } {
  const target = childOf(node, 'function') ?? childOf(node, 'constructor');
  const args = argumentsOf(node).positional.map((arg) => evaluator.valuesOf(arg));
  const callee = evaluator.valuesOf(target);
  const how = target?.type === 'member_expression' ? childOf(target, 'property') : undefined;
  const name = how ? evaluator.textOf(how) : '';
  if (name !== 'call' && name !== 'apply') return { callee, args };
  const bare = callee.map((value) =>
    value.kind === 'path' ? pathValue(value.path.replace(/\.(?:call|apply)$/, ''), value.built) : value,
  );
  return { callee: bare, args: name === 'call' ? args.slice(1) : (itemsOf(args[1] ?? UNKNOWN) ?? []) };
}

/** What a call of JavaScript may return. */
export function callJavaScript(node: SyntaxNode, evaluator: Evaluator): Values {
  const target = childOf(node, 'function') ?? childOf(node, 'constructor');
  if (!target) return UNKNOWN;
  const { callee, args } = unwrapCall(node, evaluator);
  if (target.type === 'member_expression' || target.type === 'subscript_expression') {
    const property = childOf(target, 'property');
    const name = property
      ? evaluator.textOf(property)
      : (singleText(evaluator.valuesOf(childOf(target, 'index')))?.text ?? '');
    const folded = callMethod(evaluator.valuesOf(childOf(target, 'object')), name, args, evaluator);
    if (folded) return folded;
  }
  const results = callee.map((value) => callValue(value, args, evaluator));
  return results.length > 0 ? union(results) : [pathValue('?()')];
}

function callValue(callee: Value, args: readonly Values[], evaluator: Evaluator): Values {
  if (callee.kind === 'function') return evaluator.result(callee.node);
  if (callee.kind !== 'path') return [pathValue('?()')];
  const [first = UNKNOWN, second = UNKNOWN] = args;
  switch (callee.path) {
    case 'require':
    case 'import':
    case 'process.getBuiltinModule':
    case 'module._load':
    case 'module.Module._load': {
      const name = singleText(first);
      return name ? [pathValue(canonicalJavaScript(modulePath(name.text)), name.built)] : [pathValue('?')];
    }
    case 'Reflect.get': {
      const name = singleText(second);
      return name ? evaluator.member(first, name.text, name.built) : evaluator.member(first, '?', false);
    }
    case 'Object.values':
      return first.flatMap((value) =>
        value.kind === 'dict' ? [listValue([...value.entries.values()])] : [],
      );
    case 'Reflect.apply':
      return union(first.map((value) => callValue(value, itemsOf(args[2] ?? UNKNOWN) ?? [], evaluator)));
    case 'String.fromCharCode':
    case 'String.fromCodePoint': {
      const items = args.length === 1 && first[0]?.kind === 'list' ? (itemsOf(first) ?? []) : args;
      const codes = items.map((arg) => (arg[0]?.kind === 'number' ? arg[0].value : -1));
      return codes.length > 0 && codes.every((code) => code >= 0 && code <= 0x10ffff) ? only(textValue(codes.map((code) => String.fromCodePoint(Math.trunc(code))).join(''), true, true)) : UNKNOWN; // prettier-ignore
    }
    case 'String':
    case 'Object':
    // In a script the grammar takes `await (x)` for a call.
    case 'await':
      return first;
    case 'Number':
    case 'parseInt': {
      const value = Number.parseInt(singleText(first)?.text ?? '', Number(singleText(second)?.text ?? 10));
      return Number.isNaN(value) ? UNKNOWN : [numberValue(value)];
    }
    case 'atob':
      return decoded('base64', first, callee.path);
    case 'unescape':
    case 'decodeURIComponent':
    case 'decodeURI':
      return decoded('url', first, callee.path);
    case 'Buffer.from':
    case 'buffer.Buffer.from': {
      const how = singleText(second)?.text.toLowerCase() ?? '';
      if (how.startsWith('base64')) return decoded('base64', first, 'Buffer.from');
      if (how === 'hex') return decoded('hex', first, 'Buffer.from');
      const items = first[0]?.kind === 'list' ? itemsOf(first) : undefined;
      if (items) return callValue(pathValue('String.fromCharCode'), items, evaluator);
      return first.some((value) => value.kind === 'text') ? first : [pathValue('Buffer.from()')];
    }
    case 'Array.from':
    case 'util.promisify':
    case 'Promise.resolve':
      return first;
    case 'path.join':
    case 'path.resolve':
      return joinTexts('/', args);
    default:
      if (callee.path.endsWith('.bind'))
        return [pathValue(callee.path.slice(0, -'.bind'.length), callee.built)];
      return only(pathValue(canonicalJavaScript(`${callee.path}()`), callee.built));
  }
}

function decoded(how: string, source: Values, path: string): Values {
  const values = decode(how, source);
  return values.length > 0 ? values : [pathValue(`${path}()`)];
}

/** What a method of a text or list gives; undefined when the base is neither. */
function callMethod(
  base: Values,
  name: string,
  args: readonly Values[],
  evaluator: Evaluator,
): Values | undefined {
  const value = base.length === 1 ? base[0]! : undefined;
  if (name === 'toString' && value?.kind === 'path' && value.path === 'Buffer.from()') return base;
  if (name === 'then' && value) return base;
  if (value?.kind !== 'text' && value?.kind !== 'list') return undefined;
  const [first = UNKNOWN, second = UNKNOWN] = args;
  const number = (values: Values): number | undefined =>
    values[0]?.kind === 'number' ? values[0].value : undefined;
  switch (name) {
    case 'concat':
      return args.reduce(add, base);
    case 'slice':
      return slice(base, number(first), number(second), 1);
    case 'at':
    case 'charAt':
      return slice(base, number(first) ?? 0, (number(first) ?? 0) + 1, 1);
    case 'reverse':
    case 'toReversed':
      return value.kind === 'list' ? reversed(base) : undefined;
    case 'join':
      return value.kind === 'list'
        ? joinTexts(singleText(first)?.text ?? (args.length === 0 ? ',' : ''), itemsOf(base))
        : undefined;
    case 'map': {
      const items = itemsOf(base);
      const fn = first.length === 1 ? first[0]! : undefined;
      if (value.kind !== 'list' || !items || !fn) return undefined;
      if (fn.kind === 'path') return [listValue(items.map((item) => callValue(fn, [item], evaluator)))];
      return fn.kind === 'function' ? mapped(fn.node, items, evaluator) : UNKNOWN;
    }
    default:
      return value.kind === 'text' ? callTextMethod(value, name, first, second) : undefined;
  }
}

function mapped(fn: SyntaxNode, items: readonly Values[], evaluator: Evaluator): Values {
  const body = childOf(fn, 'body');
  const single =
    childOf(fn, 'parameter') ?? namedChildren(childOf(fn, 'parameters') ?? { ...fn, children: [] })[0];
  const parameter = single?.type === 'required_parameter' ? childOf(single, 'pattern') : single;
  if (!body || body.type === 'statement_block' || parameter?.type !== 'identifier') return UNKNOWN;
  const results = evaluator.unroll(body, items, (item) => new Map([[evaluator.textOf(parameter), item]]));
  return results ? [listValue(results)] : UNKNOWN;
}

function callTextMethod(
  { text, built, decoded: isDecoded }: Extract<Value, { kind: 'text' }>,
  name: string,
  first: Values,
  second: Values,
): Values | undefined {
  const [a, b] = [singleText(first)?.text, singleText(second)?.text];
  const same = (result: string): Values => only(textValue(result, built || result !== text, isDecoded));
  switch (name) {
    case 'toString':
    case 'valueOf':
    case 'normalize':
      return [textValue(text, built, isDecoded)];
    case 'split': {
      const parts = a === undefined ? [text] : text.split(a);
      return parts.length <= LIMITS.listItems
        ? [listValue(parts.map((part) => [textValue(part, true, isDecoded)]))]
        : UNKNOWN;
    }
    case 'replace':
    case 'replaceAll':
      if (a === undefined || b === undefined || b.length * text.length > LIMITS.textChars) return UNKNOWN;
      return same(name === 'replace' ? text.replace(a, () => b) : text.replaceAll(a, () => b));
    case 'toLowerCase':
      return same(text.toLowerCase());
    case 'toUpperCase':
      return same(text.toUpperCase());
    case 'trim':
      return same(text.trim());
    case 'substring':
      return same(text.substring(Number(a ?? 0), b === undefined ? undefined : Number(b)));
    case 'substr':
      return same(text.slice(Number(a ?? 0), b === undefined ? undefined : Number(a ?? 0) + Number(b)));
    case 'repeat':
      return Number(a ?? 0) * text.length <= LIMITS.textChars && Number(a ?? 0) >= 0
        ? same(text.repeat(Number(a ?? 0)))
        : UNKNOWN;
    case 'charCodeAt':
    case 'codePointAt': {
      const code = text.codePointAt(Number(a ?? 0));
      return code === undefined ? UNKNOWN : [numberValue(code)];
    }
    default:
      return undefined;
  }
}
