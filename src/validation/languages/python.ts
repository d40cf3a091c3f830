import type { Budget } from '../budget.ts';
import type { Emit } from '../events.ts';
import { Evaluator } from '../evaluator.ts';
import { type SyntaxNode, childOf, namedChildren, visitBottomUp } from '../syntax-tree.ts';
import { emitAssignment, emitNames, emitOwnName } from '../uses.ts';
import { singleText } from '../values.ts';
import { findPythonNames, pythonName } from './python-names.ts';
import { argumentsOf, canonicalPython } from './python-paths.ts';
import { pythonDialect } from './python-values.ts';

/** Places where an identifier names something new rather than standing for a value. */
const NAMING_FIELDS: Record<string, ReadonlySet<string>> = {
  attribute: new Set(['attribute']),
  keyword_argument: new Set(['name']),
  function_definition: new Set(['name']),
  class_definition: new Set(['name']),
  default_parameter: new Set(['name']),
  typed_default_parameter: new Set(['name']),
  named_expression: new Set(['name']),
};
const NAMING_PARENTS = new Set([
  'parameters', 'lambda_parameters', 'typed_parameter', 'list_splat_pattern', 'dictionary_splat_pattern', 'dotted_name',
  'aliased_import', 'pattern_list', 'tuple_pattern', 'list_pattern', 'global_statement', 'nonlocal_statement', 'as_pattern_target',
]); // prettier-ignore
const IMPORTERS = new Set(['__import__', 'importlib.import_module', 'importlib.__import__']);

/** Tells what a Python program uses, calls, imports and assigns to. */
export function examinePython(root: SyntaxNode, text: string, budget: Budget, emit: Emit): void {
  const evaluator = new Evaluator(text, findPythonNames(root, text), pythonDialect, budget);
  visitBottomUp(root, (node) => examineNode(node, evaluator, emit));
}

function examineNode(node: SyntaxNode, evaluator: Evaluator, emit: Emit): void {
  switch (node.type) {
    case 'identifier':
      if (!isNaming(node)) emitOwnName(node, pythonName(evaluator.textOf(node)), evaluator, emit);
      return;
    case 'attribute':
    case 'subscript':
      emitNames(node, evaluator.valuesOf(node), emit);
      return;
    case 'call':
      examineCall(node, evaluator, emit);
      return;
    case 'import_statement':
      for (const child of namedChildren(node)) emitImport(child, '', evaluator, emit);
      return;
    case 'import_from_statement': {
      const from = childOf(node, 'module_name');
      if (!from) return;
      const module = evaluator.textOf(from).replaceAll(/\s/g, '');
      emit({ on: 'import', module, dynamic: false, built: false, node: from });
      for (const child of node.children) {
        if (child.field !== 'name') continue;
        const name = child.type === 'aliased_import' ? childOf(child, 'name') : child;
        if (name)
          emit({
            on: 'name',
            path: canonicalPython(`${module}.${evaluator.textOf(name)}`),
            built: false,
            node: child,
          });
      }
      return;
    }
    case 'assignment':
    case 'augmented_assignment':
    case 'delete_statement': {
      const left = node.type === 'delete_statement' ? namedChildren(node)[0] : childOf(node, 'left');
      if (left?.type === 'attribute' || left?.type === 'subscript') {
        emitAssignment(left, evaluator.valuesOf(childOf(node, 'right')), evaluator, emit);
      }
      return;
    }
    case 'return_statement':
      examineReduce(node, evaluator, emit);
      return;
    default:
      evaluator.valuesOf(node);
  }
}

function isNaming(node: SyntaxNode): boolean {
  const { parent } = node;
  if (!parent) return false;
  if (NAMING_PARENTS.has(parent.type)) return true;
  if (
    node.field === 'left' &&
    (parent.type === 'assignment' || parent.type === 'for_statement' || parent.type === 'for_in_clause')
  )
    return true;
  return NAMING_FIELDS[parent.type]?.has(node.field) ?? false;
}

function emitImport(child: SyntaxNode, from: string, evaluator: Evaluator, emit: Emit): void {
  const name = child.type === 'aliased_import' ? childOf(child, 'name') : child;
  if (!name) return;
  const module = from + evaluator.textOf(name).replaceAll(/\s/g, '');
  emit({ on: 'import', module, dynamic: false, built: false, node: child });
}

function examineCall(node: SyntaxNode, evaluator: Evaluator, emit: Emit): void {
  const callee = childOf(node, 'function');
  if (!callee) return;
  const { positional, named } = argumentsOf(node, evaluator);
  const args = positional.map((arg) => evaluator.valuesOf(arg));
  const keywords = new Map([...named].map(([name, value]) => [name, evaluator.valuesOf(value)]));
  for (const value of evaluator.valuesOf(callee)) {
    if (value.kind !== 'path') continue;
    emit({ on: 'call', path: value.path, built: value.built, args, named: keywords, node });
    if (IMPORTERS.has(value.path)) {
      const name = singleText(args[0] ?? keywords.get('name') ?? []);
      emit({ on: 'import', module: name?.text, dynamic: true, built: name?.built ?? false, node });
    }
  }
  // What the call gives may itself be a name: `getattr(os, 'system')`.
  emitNames(
    node,
    evaluator.valuesOf(node).filter((value) => value.kind === 'path' && !value.path.endsWith('()')),
    emit,
  );
}

/** A class whose pickle calls something on loading: `__reduce__` returns the function and its arguments. */
function examineReduce(node: SyntaxNode, evaluator: Evaluator, emit: Emit): void {
  let up = node.parent;
  for (let level = 0; up && level < 32 && up.type !== 'function_definition'; level++) up = up.parent;
  const name = up && childOf(up, 'name');
  if (!name || !evaluator.textOf(name).startsWith('__reduce')) return;
  const value = evaluator.valuesOf(namedChildren(node)[0])[0];
  for (const first of value?.kind === 'list' ? (value.items[0] ?? []) : []) {
    if (first.kind === 'path')
      emit({
        on: 'call',
        path: `__reduce__:${first.path}`,
        built: first.built,
        args: [],
        named: new Map(),
        node,
      });
  }
}
