import { LIMITS } from '../budget.ts';
import type { Dialect, Evaluator } from '../evaluator.ts';
import { type SyntaxNode, childOf, namedChildren } from '../syntax-tree.ts';
import { add, calculate, itemAt, slice } from '../text-folding.ts';
import {
  UNKNOWN,
  type Values,
  itemsOf,
  listValue,
  numberValue,
  pathValue,
  singleText,
  textValue,
  union,
} from '../values.ts';
import { formatPercent } from './python-formats.ts';
import { argumentsOf, canonicalPython, itemOf } from './python-paths.ts';
import { callPython } from './python-calls.ts';
import { pythonName } from './python-names.ts';

export const pythonDialect: Dialect = {
  compute,
  canonical: canonicalPython,
  returns: (fn) => returnsOf(fn),
  args: argumentsOf,
  loops: new Set(['while_statement', 'for_statement']),
};

function compute(node: SyntaxNode, evaluator: Evaluator): Values {
  const of = (field: string): Values => evaluator.valuesOf(childOf(node, field));
  switch (node.type) {
    case 'identifier':
      return evaluator.lookUp(pythonName(evaluator.textOf(node)), node);
    case 'attribute': {
      const attribute = childOf(node, 'attribute');
      return attribute
        ? evaluator.member(of('object'), pythonName(evaluator.textOf(attribute)), false)
        : UNKNOWN;
    }
    case 'call':
      return callPython(node, evaluator);
    case 'subscript':
      return subscript(node, evaluator);
    case 'string':
      return stringValue(node, evaluator);
    case 'concatenated_string':
      return namedChildren(node)
        .map((part) => evaluator.valuesOf(part))
        .reduce(add);
    case 'integer':
    case 'float': {
      const value = Number(evaluator.textOf(node).replaceAll('_', ''));
      return Number.isNaN(value) ? UNKNOWN : [numberValue(value)];
    }
    case 'unary_operator': {
      const argument = of('argument');
      const operator = childOf(node, 'operator');
      const sign = operator && evaluator.textOf(operator) === '-' ? -1 : 1;
      return argument.flatMap((value) => (value.kind === 'number' ? [numberValue(sign * value.value)] : []));
    }
    case 'binary_operator': {
      const operator = childOf(node, 'operator');
      const symbol = operator ? evaluator.textOf(operator) : '';
      const left = of('left');
      if (symbol === '+') return add(left, of('right'));
      if (symbol === '%' && singleText(left) && left[0]!.kind === 'text')
        return formatPercent(left, of('right'));
      return calculate(symbol, left, of('right'));
    }
    case 'augmented_assignment': {
      const operator = childOf(node, 'operator');
      return operator && evaluator.textOf(operator) === '+=' ? add(of('left'), of('right')) : UNKNOWN;
    }
    case 'assignment':
      return of('right');
    case 'named_expression':
      return of('value');
    case 'parenthesized_expression':
    case 'await':
    case 'expression_statement':
    case 'as_pattern':
    case 'as_pattern_target':
      return evaluator.valuesOf(namedChildren(node)[0]);
    case 'list':
    case 'tuple':
    case 'set':
    case 'expression_list': {
      const items = namedChildren(node);
      return items.length <= LIMITS.listItems
        ? [listValue(items.map((item) => evaluator.valuesOf(item)))]
        : UNKNOWN;
    }
    case 'dictionary': {
      const entries = new Map<string, Values>();
      for (const pair of namedChildren(node)) {
        const key = singleText(evaluator.valuesOf(childOf(pair, 'key')));
        if (key) entries.set(key.text, evaluator.valuesOf(childOf(pair, 'value')));
      }
      return [{ kind: 'dict', entries }];
    }
    case 'conditional_expression': {
      const [yes, , no] = namedChildren(node);
      return union([evaluator.valuesOf(yes), evaluator.valuesOf(no)]);
    }
    case 'boolean_operator':
      return union([of('left'), of('right')]);
    case 'list_comprehension':
    case 'generator_expression':
      return comprehension(node, evaluator);
    case 'function_definition':
    case 'lambda':
      return [{ kind: 'function', node }];
    case 'class_definition':
      return [pathValue('?')];
    default:
      return UNKNOWN;
  }
}

function subscript(node: SyntaxNode, evaluator: Evaluator): Values {
  const base = evaluator.valuesOf(childOf(node, 'value'));
  const key = childOf(node, 'subscript');
  if (!key) return UNKNOWN;
  if (key.type === 'slice') return slicePart(key, base, evaluator);
  const index = evaluator.valuesOf(key);
  return itemOf(base, index, evaluator);
}

function slicePart(key: SyntaxNode, base: Values, evaluator: Evaluator): Values {
  const parts: (number | undefined)[] = [undefined, undefined, undefined];
  let at = 0;
  for (const child of key.children) {
    if (!child.named) at++;
    else if (at < 3) {
      const value = evaluator.valuesOf(child);
      if (value.length !== 1 || value[0]!.kind !== 'number') return UNKNOWN;
      parts[at] = value[0]!.value;
    }
  }
  return slice(base, parts[0], parts[1], parts[2] ?? 1);
}

function comprehension(node: SyntaxNode, evaluator: Evaluator): Values {
  const body = childOf(node, 'body');
  const clauses = namedChildren(node).filter((child) => child !== body);
  const clause = clauses[0];
  const left = clause && childOf(clause, 'left');
  if (!body || !clause || clauses.length !== 1 || !left) return [pathValue('?')];
  const items = itemsOf(evaluator.valuesOf(childOf(clause, 'right')));
  const names = left.type === 'identifier' ? [left] : namedChildren(left);
  if (!items || names.some((name) => name.type !== 'identifier')) return [pathValue('?')];
  const results = evaluator.unroll(body, items, (item) => {
    if (names.length === 1) return new Map([[evaluator.textOf(left), item]]);
    return new Map(names.map((name, index) => [evaluator.textOf(name), itemAt(item, index)]));
  });
  return results ? [listValue(results)] : UNKNOWN;
}

const ESCAPES: Record<string, string> = {
  n: '\n',
  t: '\t',
  r: '\r',
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  v: '\v',
};
const ESCAPE =
  /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{1,3})|N\{[^}]*\}|\r?\n|(.))/gs;

function stringValue(node: SyntaxNode, evaluator: Evaluator): Values {
  const start = node.children[0];
  const prefix = start ? evaluator.textOf(start).toLowerCase() : '';
  let result: Values = [textValue('')];
  let count = 0;
  for (const child of node.children) {
    if (child.type === 'string_content') {
      result =
        count === 0
          ? contentValue(child, prefix, evaluator)
          : add(result, contentValue(child, prefix, evaluator));
      count++;
    } else if (child.type === 'interpolation') {
      const value = singleText(evaluator.valuesOf(childOf(child, 'expression')));
      if (!value) return [pathValue('?')];
      result = add(result, [textValue(value.text, true, value.decoded)]);
      count++;
    }
  }
  return result;
}

function contentValue(node: SyntaxNode, prefix: string, evaluator: Evaluator): Values {
  if (node.end - node.start > LIMITS.textChars) return UNKNOWN;
  let text = evaluator.textOf(node);
  if (prefix.includes('f')) text = text.replaceAll('{{', '{').replaceAll('}}', '}');
  if (prefix.includes('r') || !text.includes('\\')) return [textValue(text)];
  let built = false;
  const decoded = text.replace(
    ESCAPE,
    (whole, x?: string, u?: string, long?: string, octal?: string, char?: string) => {
      const hex = x ?? u ?? long;
      const point = hex ? Number.parseInt(hex, 16) : octal ? Number.parseInt(octal, 8) : undefined;
      if (point !== undefined) {
        if (point >= 0x30 && point < 0x7f) built = true;
        return point <= 0x10ffff ? String.fromCodePoint(point) : '\ufffd';
      }
      if (char !== undefined) return ESCAPES[char] ?? whole;
      return whole.startsWith('\\N') ? '\ufffd' : '';
    },
  );
  return [textValue(decoded, built, built)];
}

function returnsOf(fn: SyntaxNode): readonly SyntaxNode[] {
  const body = childOf(fn, 'body');
  if (!body) return [];
  if (fn.type === 'lambda') return [body];
  const found: SyntaxNode[] = [];
  const open = [body];
  for (let node = open.pop(), seen = 0; node && seen < 2_000 && found.length < 8; node = open.pop(), seen++) {
    if (node.type === 'return_statement') {
      const value = namedChildren(node)[0];
      if (value) found.push(value);
    } else if (
      node.type !== 'function_definition' &&
      node.type !== 'class_definition' &&
      node.type !== 'lambda'
    ) {
      open.push(...node.children.slice(0, 200));
    }
  }
  return found;
}
