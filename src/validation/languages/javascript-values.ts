import { LIMITS } from '../budget.ts';
import type { Dialect, Evaluator } from '../evaluator.ts';
import { type SyntaxNode, childOf, namedChildren } from '../syntax-tree.ts';
import { add, calculate, itemAt } from '../text-folding.ts';
import {
  UNKNOWN,
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
import { callJavaScript } from './javascript-calls.ts';
import { argumentsOf, canonicalJavaScript } from './javascript-paths.ts';
import { javaScriptName } from './javascript-names.ts';

export const javaScriptDialect: Dialect = {
  compute,
  canonical: canonicalJavaScript,
  returns: returnsOf,
  args: argumentsOf,
  loops: new Set(['while_statement', 'do_statement', 'for_statement', 'for_in_statement']),
};

function compute(node: SyntaxNode, evaluator: Evaluator): Values {
  const of = (field: string): Values => evaluator.valuesOf(childOf(node, field));
  switch (node.type) {
    case 'identifier':
    case 'shorthand_property_identifier':
    case 'undefined':
      return evaluator.lookUp(javaScriptName(evaluator.textOf(node)), node);
    case 'this':
      return [pathValue('?')];
    case 'import':
      return [pathValue('import')];
    case 'member_expression': {
      const property = childOf(node, 'property');
      return property
        ? memberOf(of('object'), javaScriptName(evaluator.textOf(property)), false, evaluator)
        : UNKNOWN;
    }
    case 'subscript_expression':
      return subscript(of('object'), of('index'), evaluator);
    case 'call_expression':
    case 'new_expression':
      return callJavaScript(node, evaluator);
    case 'string':
      return stringValue(node, evaluator);
    case 'template_string':
      return templateValue(node, evaluator);
    case 'number': {
      const value = Number(evaluator.textOf(node).replaceAll('_', '').replace(/n$/, ''));
      return Number.isNaN(value) ? UNKNOWN : [numberValue(value)];
    }
    case 'unary_expression': {
      const operator = childOf(node, 'operator');
      if (!operator || evaluator.textOf(operator) !== '-') return UNKNOWN;
      return of('argument').flatMap((value) => (value.kind === 'number' ? [numberValue(-value.value)] : []));
    }
    case 'binary_expression': {
      const operator = childOf(node, 'operator');
      const symbol = operator ? evaluator.textOf(operator) : '';
      if (symbol === '+') return add(of('left'), of('right'));
      if (symbol === '||' || symbol === '&&' || symbol === '??') return union([of('left'), of('right')]);
      return calculate(symbol, of('left'), of('right'));
    }
    case 'augmented_assignment_expression': {
      const operator = childOf(node, 'operator');
      return operator && evaluator.textOf(operator) === '+=' ? add(of('left'), of('right')) : UNKNOWN;
    }
    case 'assignment_expression':
      return of('right');
    case 'ternary_expression':
      return union([of('consequence'), of('alternative')]);
    case 'sequence_expression':
      return evaluator.valuesOf(namedChildren(node).at(-1));
    case 'parenthesized_expression':
    case 'await_expression':
    case 'as_expression':
    case 'satisfies_expression':
    case 'non_null_expression':
    case 'spread_element':
    case 'computed_property_name':
    case 'expression_statement':
      return evaluator.valuesOf(namedChildren(node)[0]);
    case 'type_assertion':
      return evaluator.valuesOf(namedChildren(node).at(-1));
    case 'array': {
      const items = namedChildren(node);
      return items.length <= LIMITS.listItems
        ? [listValue(items.map((item) => evaluator.valuesOf(item)))]
        : UNKNOWN;
    }
    case 'object':
      return objectValue(node, evaluator);
    case 'function_expression':
    case 'arrow_function':
    case 'function_declaration':
    case 'generator_function':
    case 'generator_function_declaration':
    case 'method_definition':
      return [{ kind: 'function', node }];
    default:
      return UNKNOWN;
  }
}

/** A property of what an expression stands for. The constructor of a function makes functions of texts. */
export function memberOf(base: Values, name: string, built: boolean, evaluator: Evaluator): Values {
  if (name === 'constructor' && base.some((value) => value.kind === 'function'))
    return [pathValue('Function.constructor', built)];
  if (name === 'bind' || name === 'call' || name === 'apply') {
    const functions = base.filter((value) => value.kind === 'function');
    if (functions.length > 0) return functions;
  }
  return evaluator.member(base, name, built);
}

function subscript(base: Values, index: Values, evaluator: Evaluator): Values {
  const key = singleText(index);
  if (key && index[0]!.kind === 'text') return memberOf(base, key.text, key.built, evaluator);
  if (key) {
    const at = Number(key.text);
    return union(
      base.map((value) =>
        value.kind === 'list' || value.kind === 'text'
          ? itemAt([value], at)
          : value.kind === 'path'
            ? only(pathValue(`${value.path}[]`))
            : UNKNOWN,
      ),
    );
  }
  const texts = index.filter((value) => value.kind === 'text');
  if (texts.length > 0)
    return union(
      texts.map((value) =>
        value.kind === 'text' ? memberOf(base, value.text, value.built, evaluator) : UNKNOWN,
      ),
    );
  return union(
    base.map((value) => {
      if (value.kind === 'path') return only(pathValue(canonicalJavaScript(`${value.path}.?`), value.built));
      return value.kind === 'list'
        ? union(itemsOf([value])?.slice(0, 16) ?? [])
        : value.kind === 'dict'
          ? union([...value.entries.values()].slice(0, 16))
          : UNKNOWN;
    }),
  );
}

function objectValue(node: SyntaxNode, evaluator: Evaluator): Values {
  const entries = new Map<string, Values>();
  for (const child of namedChildren(node)) {
    if (child.type === 'shorthand_property_identifier')
      entries.set(evaluator.textOf(child), evaluator.valuesOf(child));
    else if (child.type === 'pair') {
      const key = childOf(child, 'key');
      if (!key) continue;
      const name =
        key.type === 'property_identifier' || key.type === 'number'
          ? evaluator.textOf(key)
          : singleText(evaluator.valuesOf(key))?.text;
      if (name !== undefined) entries.set(name, evaluator.valuesOf(childOf(child, 'value')));
    } else if (child.type === 'method_definition') {
      const name = childOf(child, 'name');
      if (name) entries.set(evaluator.textOf(name), [{ kind: 'function', node: child }]);
    }
  }
  return [{ kind: 'dict', entries }];
}

const ESCAPES: Record<string, string> = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f', v: '\v', '0': '\0' };
const ESCAPE = /\\(?:x([0-9a-fA-F]{2})|u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|\r?\n|([\s\S]))/g;

function decodeEscapes(text: string): { text: string; built: boolean } {
  if (!text.includes('\\')) return { text, built: false };
  let built = false;
  const decoded = text.replace(ESCAPE, (whole, x?: string, long?: string, u?: string, char?: string) => {
    const hex = x ?? long ?? u;
    if (hex !== undefined) {
      const point = Number.parseInt(hex, 16);
      if (point >= 0x30 && point < 0x7f) built = true;
      return point <= 0x10ffff ? String.fromCodePoint(point) : whole;
    }
    return char === undefined ? '' : (ESCAPES[char] ?? char);
  });
  return { text: decoded, built };
}

function stringValue(node: SyntaxNode, evaluator: Evaluator): Values {
  if (node.end - node.start > LIMITS.textChars) return UNKNOWN;
  const { text, built } = decodeEscapes(evaluator.textOf(node).slice(1, -1));
  return [textValue(text, built, built)];
}

function templateValue(node: SyntaxNode, evaluator: Evaluator): Values {
  if (node.end - node.start > LIMITS.textChars) return UNKNOWN;
  let result: Values = [textValue('')];
  let at = node.start + 1;
  let pieces = 0;
  const addText = (until: number): void => {
    if (until <= at) return;
    const { text, built } = decodeEscapes(evaluator.text.slice(at, until));
    const piece = [textValue(text, built, built)];
    result = pieces++ === 0 ? piece : add(result, piece);
  };
  for (const child of node.children) {
    if (child.type !== 'template_substitution') continue;
    addText(child.start);
    at = child.end;
    const value = singleText(evaluator.valuesOf(namedChildren(child)[0]));
    if (!value) return [pathValue('?')];
    result = add(result, [textValue(value.text, true, value.decoded)]);
    pieces++;
  }
  addText(node.end - 1);
  return result;
}

function returnsOf(fn: SyntaxNode): readonly SyntaxNode[] {
  const body = childOf(fn, 'body');
  if (!body) return [];
  if (body.type !== 'statement_block') return [body];
  const found: SyntaxNode[] = [];
  const open = [body];
  for (let node = open.pop(), seen = 0; node && seen < 2_000 && found.length < 8; node = open.pop(), seen++) {
    if (node.type === 'return_statement') {
      const value = namedChildren(node)[0];
      if (value) found.push(value);
    } else if (!/function|^class|^method/.test(node.type)) open.push(...node.children.slice(0, 200));
  }
  return found;
}
