import { LIMITS } from '../budget.ts';
import type { Evaluator } from '../evaluator.ts';
import { type SyntaxNode, childOf, namedChildren } from '../syntax-tree.ts';
import { decode, joinTexts, reversed } from '../text-folding.ts';
import {
  UNKNOWN,
  type Value,
  type Values,
  itemsOf,
  listValue,
  only,
  pathValue,
  singleText,
  textValue,
  union,
} from '../values.ts';
import { formatBraces } from './python-formats.ts';
import { argumentsOf, canonicalPython, itemOf } from './python-paths.ts';

/** What a call of Python may return. */
export function callPython(node: SyntaxNode, evaluator: Evaluator): Values {
  const callee = childOf(node, 'function');
  if (!callee) return UNKNOWN;
  const { positional, named } = argumentsOf(node, evaluator);
  const args = positional.map((arg) => evaluator.valuesOf(arg));
  const keywords = new Map([...named].map(([name, value]) => [name, evaluator.valuesOf(value)]));
  if (callee.type === 'attribute') {
    const attribute = childOf(callee, 'attribute');
    const base = evaluator.valuesOf(childOf(callee, 'object'));
    const name = attribute ? evaluator.textOf(attribute) : '';
    const folded = callMethod(base, name, args, keywords, evaluator);
    if (folded) return folded;
  }
  const known = evaluator.valuesOf(callee).map((value) => callValue(value, args, keywords, evaluator));
  return known.length > 0 ? union(known) : [pathValue('?()')];
}

function callValue(
  callee: Value,
  args: readonly Values[],
  keywords: ReadonlyMap<string, Values>,
  evaluator: Evaluator,
): Values {
  if (callee.kind === 'function') return evaluator.result(callee.node);
  if (callee.kind !== 'path') return [pathValue('?()')];
  const [first = UNKNOWN, second = UNKNOWN] = args;
  switch (callee.path) {
    case 'getattr':
    case 'inspect.getattr_static':
    case 'object.__getattribute__':
    case 'type.__getattribute__':
    case '?.__getattribute__':
      return attributeNamed(first, second, evaluator);
    case 'vars':
      return args.length === 0 ? [pathValue('vars()')] : evaluator.member(first, '__dict__', false);
    case '__import__':
    case 'importlib.import_module':
    case 'importlib.__import__':
    case 'importlib.reload': {
      const name = singleText(first);
      if (!name) return callee.path === 'importlib.reload' ? first : [pathValue('?')];
      // `__import__('a.b')` gives `a`, unless a list of names is asked for.
      const whole = callee.path === 'importlib.import_module' || keywords.has('fromlist') || args.length > 3;
      return [pathValue(canonicalPython(whole ? name.text : name.text.split('.')[0]!), name.built)];
    }
    case 'chr':
      return first.flatMap((value) =>
        value.kind === 'number' && value.value >= 0 && value.value <= 0x10ffff
          ? [textValue(String.fromCodePoint(value.value), true, true)]
          : [],
      );
    case 'ord': {
      const text = singleText(first)?.text;
      return text ? [{ kind: 'number', value: text.codePointAt(0)! }] : UNKNOWN;
    }
    case 'int': {
      const text = singleText(first)?.text ?? '';
      const value = Number.parseInt(text, Number(singleText(second)?.text ?? 10));
      return Number.isNaN(value) ? UNKNOWN : [{ kind: 'number', value }];
    }
    case 'str':
    case 'repr':
      return first.filter((value) => value.kind === 'text');
    case 'bytes':
    case 'bytearray': {
      const items = first[0]?.kind === 'list' ? itemsOf(first) : undefined;
      if (!items) return first.filter((value) => value.kind === 'text');
      const codes = items.map((item) => (item[0]?.kind === 'number' ? item[0].value : -1));
      return codes.every((code) => code >= 0 && code < 256)
        ? only(textValue(String.fromCharCode(...codes), true, true))
        : UNKNOWN;
    }
    case 'list':
    case 'tuple':
    case 'iter':
    case 'sorted':
    case 'set':
      return first.filter((value) => value.kind === 'list' || value.kind === 'text');
    case 'reversed':
      return reversed(first);
    case 'map':
      return mapped(first, itemsOf(second), evaluator);
    case 'zip': {
      const columns = args.map(itemsOf);
      if (columns.some((column) => !column)) return UNKNOWN;
      const length = Math.min(LIMITS.listItems, ...columns.map((column) => column!.length));
      return [
        listValue(
          Array.from({ length: args.length === 0 ? 0 : length }, (_, at) => [
            listValue(columns.map((column) => column![at]!)),
          ]),
        ),
      ];
    }
    case 'base64.b64decode':
    case 'base64.standard_b64decode':
    case 'base64.urlsafe_b64decode':
    case 'base64.decodebytes':
    case 'binascii.a2b_base64':
      return decoded('base64', first, callee.path);
    case 'base64.b32decode':
      return decoded('base32', first, callee.path);
    case 'base64.b16decode':
    case 'binascii.unhexlify':
    case 'binascii.a2b_hex':
    case 'bytes.fromhex':
    case 'bytearray.fromhex':
      return decoded('hex', first, callee.path);
    case 'codecs.decode':
      return decoded(codecName(singleText(second)?.text ?? 'utf8'), first, callee.path);
    case 'urllib.parse.unquote':
      return decoded('url', first, callee.path);
    case 'operator.attrgetter':
      return attributeGetter(first);
    case 'os.path.join':
    case 'posixpath.join':
      return joinTexts('/', args);
    case 'os.path.expanduser':
    case 'os.path.abspath':
    case 'os.path.realpath':
    case 'os.path.normpath':
    case 'os.fspath':
      return first.length > 0 ? first : [pathValue(`${callee.path}()`)];
    case 'pathlib.Path':
    case 'pathlib.PurePath':
    case 'pathlib.PosixPath': {
      const joined = joinTexts('/', args);
      return joined.length > 0
        ? union([[pathValue('pathlib.Path()')], joined])
        : [pathValue('pathlib.Path()')];
    }
    case 'functools.partial':
      return first;
    case 'bytes.decode':
    case 'str.lower':
    case 'str.upper':
      return callMethod(first, callee.path.split('.')[1]!, args.slice(1), keywords, evaluator) ?? UNKNOWN;
    case 'str.join':
    case '?.join':
      return joinTexts(singleText(first)?.text ?? '', itemsOf(second));
    default: {
      if (callee.path.startsWith('getter:'))
        return evaluator.member(first, callee.path.slice('getter:'.length), callee.built);
      return only(pathValue(`${callee.path}()`, callee.built));
    }
  }
}

function attributeGetter(name: Values): Values {
  const text = singleText(name);
  return text ? [pathValue(`getter:${text.text}`, text.built)] : UNKNOWN;
}

/** `getattr(base, name)`; a name that is not known gives the attribute `?`. */
function attributeNamed(base: Values, name: Values, evaluator: Evaluator): Values {
  const names = name.filter((value) => value.kind === 'text');
  if (names.length === 0) return evaluator.member(base, '?', false);
  return union(
    names.map((value) => (value.kind === 'text' ? evaluator.member(base, value.text, value.built) : UNKNOWN)),
  );
}

function decoded(how: string, source: Values, path: string): Values {
  const values = decode(how, source);
  return values.length > 0 ? values : [pathValue(`${path}()`)];
}

function codecName(name: string): string {
  const plain = name
    .toLowerCase()
    .replaceAll(/[-_ ]/g, '')
    .replace(/codec$/, '');
  if (plain === 'base64' || plain === 'hex' || plain === 'rot13') return plain;
  return plain === 'latin1' || plain === 'iso88591' ? 'latin1' : 'utf8';
}

function mapped(fn: Values, items: readonly Values[] | undefined, evaluator: Evaluator): Values {
  const callee = fn.length === 1 ? fn[0]! : undefined;
  if (!callee || !items) return UNKNOWN;
  if (callee.kind === 'path')
    return [listValue(items.map((item) => callValue(callee, [item], new Map(), evaluator)))];
  if (callee.kind !== 'function' || callee.node.type !== 'lambda') return UNKNOWN;
  const body = childOf(callee.node, 'body');
  const parameter = namedChildren(childOf(callee.node, 'parameters') ?? callee.node)[0];
  if (!body || parameter?.type !== 'identifier') return UNKNOWN;
  const results = evaluator.unroll(body, items, (item) => new Map([[evaluator.textOf(parameter), item]]));
  return results ? [listValue(results)] : UNKNOWN;
}

/** What a method of a text, list or namespace gives; undefined when the base is none of these. */
function callMethod(
  base: Values,
  name: string,
  args: readonly Values[],
  keywords: ReadonlyMap<string, Values>,
  evaluator: Evaluator,
): Values | undefined {
  const [first = UNKNOWN, second = UNKNOWN] = args;
  if (name === 'get' || name === '__getitem__' || name === 'pop' || name === 'setdefault') {
    const isSpace = base.some(
      (value) =>
        value.kind === 'dict' ||
        (value.kind === 'path' && /(?:__dict__|\(\)|sys\.modules|__globals__)$/.test(value.path)),
    );
    return isSpace ? itemOf(base, first, evaluator) : undefined;
  }
  if (name === '__getattribute__' || name === '__getattr__')
    return attributeNamed(base, args.length > 1 ? second : first, evaluator);
  if (name === '__call__')
    return base.some((value) => value.kind === 'path')
      ? union(base.map((value) => callValue(value, args, keywords, evaluator)))
      : undefined;
  const value = base.length === 1 ? base[0]! : undefined;
  if (value?.kind !== 'text') return undefined;
  const same = (text: string): Values =>
    only(textValue(text, value.built || text !== value.text, value.decoded));
  const [a, b] = [singleText(first)?.text, singleText(second)?.text];
  switch (name) {
    case 'join':
      return joinTexts(value.text, itemsOf(first));
    case 'format':
      return formatBraces(base, args, keywords);
    case 'replace':
      return a === undefined || b === undefined || b.length * value.text.length > LIMITS.textChars
        ? UNKNOWN
        : same(value.text.replaceAll(a, b));
    case 'lower':
    case 'casefold':
      return same(value.text.toLowerCase());
    case 'upper':
      return same(value.text.toUpperCase());
    case 'swapcase':
      return same(
        [...value.text]
          .map((char) => (char === char.toLowerCase() ? char.toUpperCase() : char.toLowerCase()))
          .join(''),
      );
    case 'strip':
      return a === undefined ? same(value.text.trim()) : same(stripChars(value.text, a));
    case 'lstrip':
      return a === undefined ? same(value.text.trimStart()) : UNKNOWN;
    case 'rstrip':
      return a === undefined ? same(value.text.trimEnd()) : UNKNOWN;
    case 'removeprefix':
      return a !== undefined && value.text.startsWith(a) ? same(value.text.slice(a.length)) : base;
    case 'encode':
      return [textValue(Buffer.from(value.text, 'utf8').toString('latin1'), value.built, value.decoded)];
    case 'decode':
      return decode(codecName(a ?? 'utf8'), base);
    case 'hex':
      return [textValue(Buffer.from(value.text, 'latin1').toString('hex'), true)];
    case 'split': {
      const parts = a === undefined ? value.text.split(/\s+/) : a === '' ? [] : value.text.split(a);
      return parts.length <= LIMITS.listItems
        ? [listValue(parts.map((part) => [textValue(part, true, value.decoded)]))]
        : UNKNOWN;
    }
    default:
      return undefined;
  }
}

function stripChars(text: string, chars: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && chars.includes(text[start]!)) start++;
  while (end > start && chars.includes(text[end - 1]!)) end--;
  return text.slice(start, end);
}
