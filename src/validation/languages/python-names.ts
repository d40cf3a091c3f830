import type { Names } from '../evaluator.ts';
import { type Binding, Scope } from '../scope.ts';
import { type SyntaxNode, childOf, namedChildren } from '../syntax-tree.ts';

const BRANCHES = new Set([
  'if_statement', 'elif_clause', 'else_clause', 'while_statement', 'for_statement', 'try_statement', 'except_clause',
  'finally_clause', 'match_statement', 'case_clause', 'conditional_expression', 'boolean_operator',
]); // prettier-ignore
const COMPREHENSIONS = new Set([
  'list_comprehension',
  'set_comprehension',
  'dictionary_comprehension',
  'generator_expression',
]);

interface Step {
  readonly node: SyntaxNode;
  readonly scope: Scope;
  readonly certain: boolean;
}

/** The name that Python sees: compatibility forms of letters are folded. */
export function pythonName(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return /^[\x00-\x7f]*$/.test(text) ? text : text.normalize('NFKC');
}

/** Finds the scopes and bindings of a Python program. */
export function findPythonNames(root: SyntaxNode, text: string): Names {
  const scopes = new Map<SyntaxNode, Scope>();
  const fields = new Map<string, SyntaxNode[]>();
  const callSites = new Map<string, SyntaxNode[]>();
  const module = new Scope('module');
  const nameOf = (node: SyntaxNode): string => pythonName(text.slice(node.start, node.end));
  const steps: Step[] = [{ node: root, scope: module, certain: true }];
  const push = (node: SyntaxNode | undefined, scope: Scope, certain: boolean): void => {
    if (node) steps.push({ node, scope, certain });
  };

  const bindTarget = (target: SyntaxNode, source: Binding['source'], step: Step, at: number): void => {
    const targets: { target: SyntaxNode; source: Binding['source'] }[] = [{ target, source }];
    for (let next = targets.pop(); next; next = targets.pop()) {
      const { type } = next.target;
      if (type === 'identifier')
        step.scope.bind(nameOf(next.target), { source: next.source, at, certain: step.certain });
      else if (type === 'attribute') {
        const attribute = childOf(next.target, 'attribute');
        if (attribute && next.source.kind === 'value') addTo(fields, nameOf(attribute), next.source.node);
      } else if (type === 'subscript') continue;
      else {
        namedChildren(next.target).forEach((child, index) => {
          const from = next!.source;
          const part: Binding['source'] =
            from.kind === 'value' ? { kind: 'part', node: from.node, index } : { kind: 'unknown' };
          targets.push({ target: child, source: part });
        });
      }
    }
  };

  for (let step = steps.pop(); step; step = steps.pop()) {
    const { node, scope } = step;
    const certain = step.certain && !BRANCHES.has(node.type);
    let inner = scope;
    switch (node.type) {
      case 'identifier':
        scopes.set(node, scope);
        continue;
      case 'import_statement':
      case 'future_import_statement':
        for (const child of namedChildren(node)) bindImport(child, '', scope, step.certain, nameOf);
        continue;
      case 'import_from_statement': {
        const from = childOf(node, 'module_name');
        const moduleName = from ? nameOf(from).replaceAll(/\s/g, '') : '';
        for (const child of node.children) {
          if (child.type === 'wildcard_import') scope.root.wildcards.push(moduleName);
          else if (child.field === 'name') bindImport(child, moduleName, scope, step.certain, nameOf);
        }
        continue;
      }
      case 'assignment': {
        const left = childOf(node, 'left');
        const right = childOf(node, 'right');
        if (left && right) {
          bindTarget(left, { kind: 'value', node: right }, step, node.end);
          if (scope.kind === 'class' && left.type === 'identifier') addTo(fields, nameOf(left), right);
        }
        break;
      }
      case 'augmented_assignment': {
        const left = childOf(node, 'left');
        if (left) bindTarget(left, { kind: 'value', node }, step, node.end);
        break;
      }
      case 'named_expression': {
        const name = childOf(node, 'name');
        const value = childOf(node, 'value');
        let owner = scope;
        while (owner.kind === 'block' && owner.parent) owner = owner.parent;
        if (name && value)
          bindTarget(name, { kind: 'value', node: value }, { node, scope: owner, certain: false }, node.end);
        break;
      }
      case 'for_statement':
      case 'for_in_clause': {
        const left = childOf(node, 'left');
        const right = childOf(node, 'right');
        if (left && right)
          bindTarget(
            left,
            { kind: 'item', node: right },
            { ...step, certain: scope.kind === 'block' },
            left.end,
          );
        break;
      }
      case 'as_pattern': {
        const alias = childOf(node, 'alias');
        const value = namedChildren(node)[0];
        const inWith = node.parent?.type === 'with_item';
        if (alias && value)
          bindTarget(alias, inWith ? { kind: 'value', node: value } : { kind: 'unknown' }, step, alias.end);
        break;
      }
      case 'global_statement':
      case 'nonlocal_statement':
        for (const child of namedChildren(node)) {
          const name = nameOf(child);
          const owner =
            node.type === 'global_statement' ? scope.root : (scope.parent?.owner(name) ?? scope.root);
          if (owner !== scope) scope.redirected.set(name, owner);
        }
        continue;
      case 'delete_statement':
        for (const child of namedChildren(node)) {
          // Deleting a name brings the builtin of that name back.
          if (child.type === 'identifier') unshadow(scope, nameOf(child), node.end);
        }
        break;
      case 'function_definition':
      case 'class_definition': {
        const name = childOf(node, 'name');
        const source: Binding['source'] = { kind: 'value', node };
        if (name) {
          scope.bind(nameOf(name), { source, at: name.end, certain: step.certain });
          scopes.set(name, scope);
        }
        inner = new Scope(node.type === 'class_definition' ? 'class' : 'function', scope);
        bindParameters(childOf(node, 'parameters'), node, inner, nameOf);
        break;
      }
      case 'lambda':
        inner = new Scope('function', scope);
        bindParameters(childOf(node, 'parameters'), node, inner, nameOf);
        break;
      case 'call': {
        const callee = childOf(node, 'function');
        if (callee?.type === 'identifier') addTo(callSites, nameOf(callee), node);
        break;
      }
      default:
        if (COMPREHENSIONS.has(node.type)) inner = new Scope('block', scope);
    }
    for (let index = node.children.length - 1; index >= 0; index--) {
      const child = node.children[index]!;
      const outside =
        inner !== scope &&
        (child.type === 'decorator' || child.field === 'superclasses' || child.field === 'return_type');
      push(child, outside ? scope : inner, inner === scope ? certain : true);
    }
  }
  return { scopes, fields, callSites, root: module };
}

function unshadow(scope: Scope, name: string, at: number): void {
  const owner = scope.owner(name);
  const list = owner?.bindings.get(name);
  if (list) list.push({ source: { kind: 'path', path: name }, at, certain: false });
}

function bindImport(
  child: SyntaxNode,
  from: string,
  scope: Scope,
  certain: boolean,
  nameOf: (node: SyntaxNode) => string,
): void {
  const aliased = child.type === 'aliased_import';
  const full = aliased ? childOf(child, 'name') : child;
  if (!full) return;
  const written = nameOf(full).replaceAll(/\s/g, '');
  const alias = aliased ? childOf(child, 'alias') : undefined;
  const path = from === '' ? written : `${from}.${written}`;
  const name = alias ? nameOf(alias) : from === '' ? written.split('.')[0]! : written;
  const bound = alias || from !== '' ? path : written.split('.')[0]!;
  scope.bind(name, { source: { kind: 'path', path: bound }, at: child.end, certain });
}

function bindParameters(
  parameters: SyntaxNode | undefined,
  of: SyntaxNode,
  scope: Scope,
  nameOf: (node: SyntaxNode) => string,
): void {
  if (!parameters) return;
  namedChildren(parameters).forEach((parameter, index) => {
    const fallback = childOf(parameter, 'value');
    const target =
      parameter.type === 'identifier'
        ? parameter
        : (childOf(parameter, 'name') ?? firstIdentifier(parameter));
    if (target?.type !== 'identifier') return;
    const name = nameOf(target);
    const source: Binding['source'] = {
      kind: 'parameter',
      of,
      index,
      name,
      ...(fallback ? { fallback } : {}),
    };
    scope.bind(name, { source, at: of.start, certain: true });
  });
}

function firstIdentifier(node: SyntaxNode): SyntaxNode | undefined {
  let at: SyntaxNode | undefined = node;
  for (let level = 0; at && level < 4; level++) {
    if (at.type === 'identifier') return at;
    at = namedChildren(at)[0];
  }
  return undefined;
}

function addTo(map: Map<string, SyntaxNode[]>, key: string, node: SyntaxNode): void {
  const list = map.get(key);
  if (!list) map.set(key, [node]);
  else if (list.length < 64) list.push(node);
}
