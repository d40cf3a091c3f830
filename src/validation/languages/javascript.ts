import type { Budget } from '../budget.ts';
import { Evaluator } from '../evaluator.ts';
import type { Emit } from '../events.ts';
import { type SyntaxNode, childOf, visitBottomUp } from '../syntax-tree.ts';
import { emitAssignment, emitNames, emitOwnName } from '../uses.ts';
import { type Value, type Values, singleText } from '../values.ts';
import { unwrapCall } from './javascript-calls.ts';
import { findJavaScriptNames, javaScriptName } from './javascript-names.ts';
import { canonicalJavaScript } from './javascript-paths.ts';
import { javaScriptDialect } from './javascript-values.ts';

const IMPORTERS = new Set([
  'require',
  'import',
  'process.getBuiltinModule',
  'module._load',
  'module.Module._load',
]);
const DECLARING = new Set(['function_declaration', 'class_declaration', 'function_expression', 'generator_function_declaration', 'import_specifier', 'namespace_import', 'import_clause', 'formal_parameters', 'catch_clause', 'labeled_statement', 'import_require_clause', 'enum_declaration', 'rest_pattern', 'array_pattern', 'namespace_export', 'export_specifier']); // prettier-ignore

/** Tells what a JavaScript or TypeScript program uses, calls, imports and assigns to. */
export function examineJavaScript(root: SyntaxNode, text: string, budget: Budget, emit: Emit): void {
  const evaluator = new Evaluator(text, findJavaScriptNames(root, text), javaScriptDialect, budget);
  visitBottomUp(root, (node) => examineNode(node, evaluator, emit));
}

function examineNode(node: SyntaxNode, evaluator: Evaluator, emit: Emit): void {
  switch (node.type) {
    case 'identifier':
    case 'shorthand_property_identifier':
      if (!isDeclaring(node)) emitOwnName(node, javaScriptName(evaluator.textOf(node)), evaluator, emit);
      return;
    case 'member_expression':
    case 'subscript_expression':
      emitNames(node, evaluator.valuesOf(node), emit);
      return;
    case 'call_expression':
    case 'new_expression':
      examineCall(node, evaluator, emit);
      return;
    case 'import_statement':
    case 'export_statement':
      examineImport(node, evaluator, emit);
      return;
    case 'assignment_expression':
    case 'augmented_assignment_expression': {
      const left = childOf(node, 'left');
      if (left?.type !== 'member_expression' && left?.type !== 'subscript_expression') return;
      emitAssignment(left, evaluator.valuesOf(childOf(node, 'right')), evaluator, emit);
      return;
    }
    case 'object_pattern':
      examineDestructuring(node, evaluator, emit);
      return;
    default:
      evaluator.valuesOf(node);
  }
}

function isDeclaring(node: SyntaxNode): boolean {
  const { parent } = node;
  if (!parent) return false;
  if (DECLARING.has(parent.type)) return true;
  if (parent.type === 'variable_declarator') return node.field === 'name';
  if (parent.type === 'arrow_function') return node.field === 'parameter';
  if (
    parent.type === 'assignment_expression' ||
    parent.type === 'assignment_pattern' ||
    parent.type === 'for_in_statement'
  )
    return node.field === 'left';
  return (
    (parent.type === 'required_parameter' || parent.type === 'optional_parameter') && node.field === 'pattern'
  );
}

/** `const { execSync: run } = require('child_process')` names `child_process.execSync`. */
function examineDestructuring(node: SyntaxNode, evaluator: Evaluator, emit: Emit): void {
  const { parent } = node;
  const value = parent && (childOf(parent, 'value') ?? childOf(parent, 'right'));
  if (!value || value === node) return;
  const base = evaluator.valuesOf(value);
  for (const child of node.children) {
    const key =
      child.type === 'pair_pattern'
        ? childOf(child, 'key')
        : child.type === 'object_assignment_pattern'
          ? childOf(child, 'left')
          : child;
    if (!key?.named) continue;
    const computed =
      key.type === 'computed_property_name' || key.type === 'string'
        ? singleText(evaluator.valuesOf(key))
        : { text: evaluator.textOf(key), built: false };
    if (computed) emitNames(child, evaluator.member(base, computed.text, computed.built), emit);
  }
}

function examineCall(node: SyntaxNode, evaluator: Evaluator, emit: Emit): void {
  const { callee, args } = unwrapCall(node, evaluator);
  const named = new Map<string, Values>();
  for (const arg of args)
    for (const value of arg)
      if (value.kind === 'dict') for (const [name, entry] of value.entries) named.set(name, entry);
  for (const value of callee) if (value.kind === 'path') emitCall(value, args, named, node, emit);
  emitNames(
    node,
    evaluator.valuesOf(node).filter((value) => value.kind === 'path' && !value.path.endsWith('()')),
    emit,
  );
}

function emitCall(
  callee: Extract<Value, { kind: 'path' }>,
  args: readonly Values[],
  named: ReadonlyMap<string, Values>,
  node: SyntaxNode,
  emit: Emit,
): void {
  emit({ on: 'call', path: callee.path, built: callee.built, args, named, node });
  if (!IMPORTERS.has(callee.path)) return;
  const name = singleText(args[0] ?? []);
  const isPlain = callee.path === 'require' || callee.path === 'import';
  emit({
    on: 'import',
    module: name?.text,
    dynamic: !isPlain || name === undefined || name.built,
    built: name?.built ?? false,
    node,
  });
}

function examineImport(node: SyntaxNode, evaluator: Evaluator, emit: Emit): void {
  const source =
    childOf(node, 'source') ??
    node.children.map((child) => childOf(child, 'source')).find((found) => found !== undefined);
  // Types are gone before anything runs.
  if (!source || node.children.some((child) => child.type === 'type')) return;
  const module = singleText(evaluator.valuesOf(source));
  if (!module) return;
  emit({ on: 'import', module: module.text, dynamic: false, built: false, node: source });
  const path = module.text.replace(/^node:/, '');
  const open = node.children.filter(
    (child) => child.type === 'import_clause' || child.type === 'export_clause',
  );
  for (let next = open.pop(); next; next = open.pop()) {
    const name =
      next.type === 'import_specifier' || next.type === 'export_specifier'
        ? childOf(next, 'name')
        : undefined;
    if (name)
      emit({
        on: 'name',
        path: canonicalJavaScript(`${path}.${evaluator.textOf(name)}`),
        built: false,
        node: next,
      });
    else open.push(...next.children);
  }
}
