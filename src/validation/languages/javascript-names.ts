import type { Names } from '../evaluator.ts';
import { type Binding, Scope } from '../scope.ts';
import { type SyntaxNode, childOf, namedChildren } from '../syntax-tree.ts';

const FUNCTIONS = new Set([
  'function_declaration', 'function_expression', 'arrow_function', 'method_definition', 'generator_function', 'generator_function_declaration',
]); // prettier-ignore
const BLOCKS = new Set([
  'statement_block',
  'for_statement',
  'for_in_statement',
  'catch_clause',
  'switch_body',
  'class_static_block',
]);
const BRANCHES = new Set([
  'if_statement', 'else_clause', 'while_statement', 'do_statement', 'for_statement', 'for_in_statement', 'try_statement', 'catch_clause',
  'switch_statement', 'ternary_expression', 'binary_expression',
]); // prettier-ignore

interface Step {
  readonly node: SyntaxNode;
  readonly scope: Scope;
  readonly certain: boolean;
}

/** The name that JavaScript sees: escapes in it are decoded. */
export function javaScriptName(text: string): string {
  if (!text.includes('\\u')) return text;
  return text.replace(
    /\\u(?:\{([0-9a-f]{1,6})\}|([0-9a-f]{4}))/gi,
    (whole, long?: string, short?: string) => {
      const point = Number.parseInt(long ?? short!, 16);
      return point <= 0x10ffff ? String.fromCodePoint(point) : whole;
    },
  );
}

/** The path of a module: without `node:`, the job's own files unknown. */
export function modulePath(module: string): string {
  const plain = module.replace(/^node:/, '');
  if (plain.startsWith('.') || plain.startsWith('/') || plain === '') return '?';
  return plain.replaceAll('.', '_');
}

/** Finds the scopes and bindings of a JavaScript or TypeScript program. */
export function findJavaScriptNames(root: SyntaxNode, text: string): Names {
  const scopes = new Map<SyntaxNode, Scope>();
  const fields = new Map<string, SyntaxNode[]>();
  const callSites = new Map<string, SyntaxNode[]>();
  const module = new Scope('module');
  const textOf = (node: SyntaxNode): string => text.slice(node.start, node.end);
  const nameOf = (node: SyntaxNode): string => javaScriptName(textOf(node));
  const steps: Step[] = [{ node: root, scope: module, certain: true }];

  const bindPattern = (
    pattern: SyntaxNode,
    from: Binding['source'],
    scope: Scope,
    at: number,
    certain: boolean,
  ): void => {
    const open = [{ pattern, from }];
    for (let next = open.pop(); next; next = open.pop()) {
      const { pattern: target, from: source } = next;
      const whole = source.kind === 'value' ? source.node : undefined;
      switch (target.type) {
        case 'identifier':
        case 'shorthand_property_identifier_pattern':
          scope.bind(nameOf(target), { source, at, certain });
          scopes.set(target, scope);
          break;
        case 'object_pattern':
          for (const child of namedChildren(target)) {
            const inner =
              child.type === 'object_assignment_pattern' ? (childOf(child, 'left') ?? child) : child;
            const key = inner.type === 'pair_pattern' ? childOf(inner, 'key') : inner;
            const value = inner.type === 'pair_pattern' ? childOf(inner, 'value') : inner;
            if (!key || !value) continue;
            const name = key.type === 'string' ? textOf(key).slice(1, -1) : nameOf(key);
            const known: Binding['source'] = whole && key.type !== 'computed_property_name' && inner.type !== 'rest_pattern' ? { kind: 'property', node: whole, key: name } : { kind: 'unknown' }; // prettier-ignore
            open.push({
              pattern: value.type === 'rest_pattern' ? (namedChildren(value)[0] ?? value) : value,
              from: known,
            });
          }
          break;
        case 'array_pattern':
          namedChildren(target).forEach((child, index) =>
            open.push({
              pattern: child,
              from: whole ? { kind: 'part', node: whole, index } : { kind: 'unknown' },
            }),
          );
          break;
        case 'assignment_pattern': {
          const left = childOf(target, 'left');
          const right = childOf(target, 'right');
          if (left)
            open.push({
              pattern: left,
              from: right && source.kind === 'unknown' ? { kind: 'value', node: right } : source,
            });
          break;
        }
        case 'rest_pattern':
        case 'parenthesized_expression': {
          const inner = namedChildren(target)[0];
          if (inner) open.push({ pattern: inner, from: { kind: 'unknown' } });
          break;
        }
        case 'member_expression': {
          const property = childOf(target, 'property');
          if (property && whole) addTo(fields, nameOf(property), whole);
          break;
        }
        default:
      }
    }
  };

  const bindParameters = (fn: SyntaxNode, inner: Scope): void => {
    const single = childOf(fn, 'parameter');
    const list = single ? [single] : namedChildren(childOf(fn, 'parameters') ?? { ...fn, children: [] });
    list.forEach((parameter, index) => {
      const typed = parameter.type === 'required_parameter' || parameter.type === 'optional_parameter';
      const pattern = typed
        ? childOf(parameter, 'pattern')
        : parameter.type === 'assignment_pattern'
          ? childOf(parameter, 'left')
          : parameter;
      const fallback = typed
        ? childOf(parameter, 'value')
        : parameter.type === 'assignment_pattern'
          ? childOf(parameter, 'right')
          : undefined;
      if (!pattern) return;
      const source: Binding['source'] =
        pattern.type === 'identifier'
          ? { kind: 'parameter', of: fn, index, name: nameOf(pattern), ...(fallback ? { fallback } : {}) }
          : { kind: 'unknown' };
      bindPattern(pattern, source, inner, fn.start, true);
    });
  };

  for (let step = steps.pop(); step; step = steps.pop()) {
    const { node, scope } = step;
    const certain = step.certain && !BRANCHES.has(node.type);
    let inner = scope;
    switch (node.type) {
      case 'identifier':
      case 'shorthand_property_identifier':
        if (!scopes.has(node)) scopes.set(node, scope);
        continue;
      case 'import_statement':
        bindImports(node, scope, textOf);
        continue;
      case 'variable_declarator': {
        const name = childOf(node, 'name');
        const value = childOf(node, 'value');
        const owner = node.parent?.type === 'variable_declaration' ? functionScope(scope) : scope;
        if (name)
          bindPattern(
            name,
            value ? { kind: 'value', node: value } : { kind: 'unknown' },
            owner,
            node.end,
            step.certain,
          );
        break;
      }
      case 'assignment_expression': {
        const left = childOf(node, 'left');
        const right = childOf(node, 'right');
        if (left?.type === 'identifier' && right) {
          const owner = scope.owner(nameOf(left)) ?? module;
          owner.bind(nameOf(left), {
            source: { kind: 'value', node: right },
            at: node.end,
            certain: step.certain && owner === scope && isStatement(node),
          });
        } else if (left && right) bindPattern(left, { kind: 'value', node: right }, scope, node.end, false);
        break;
      }
      case 'augmented_assignment_expression': {
        const left = childOf(node, 'left');
        if (left?.type === 'identifier') {
          const owner = scope.owner(nameOf(left)) ?? module;
          owner.bind(nameOf(left), {
            source: { kind: 'value', node },
            at: node.end,
            certain: step.certain && owner === scope && isStatement(node),
          });
        }
        break;
      }
      case 'for_in_statement': {
        inner = new Scope('block', scope);
        const left = childOf(node, 'left');
        const right = childOf(node, 'right');
        if (left && right)
          bindPattern(
            left,
            left.type === 'identifier' ? { kind: 'item', node: right } : { kind: 'unknown' },
            inner,
            left.end,
            true,
          );
        break;
      }
      case 'catch_clause': {
        inner = new Scope('block', scope);
        const parameter = childOf(node, 'parameter');
        if (parameter) bindPattern(parameter, { kind: 'unknown' }, inner, node.start, true);
        break;
      }
      case 'class_declaration':
      case 'abstract_class_declaration':
      case 'enum_declaration': {
        const name = childOf(node, 'name');
        if (name)
          scope.bind(nameOf(name), { source: { kind: 'unknown' }, at: node.start, certain: step.certain });
        break;
      }
      case 'pair':
      case 'public_field_definition':
      case 'field_definition': {
        const key = childOf(node, 'key') ?? childOf(node, 'name') ?? childOf(node, 'property');
        const value = childOf(node, 'value');
        if (key && value && node.type !== 'pair') addTo(fields, nameOf(key), value);
        break;
      }
      case 'call_expression': {
        const callee = childOf(node, 'function');
        if (callee?.type === 'identifier') addTo(callSites, nameOf(callee), node);
        break;
      }
      default:
        if (FUNCTIONS.has(node.type)) {
          const name = childOf(node, 'name');
          const isDeclaration = node.type.endsWith('declaration');
          if (name && isDeclaration) {
            // A declaration is there from the start of its scope on.
            scope.bind(nameOf(name), {
              source: { kind: 'value', node },
              at: scope.kind === 'module' ? 0 : node.start,
              certain: step.certain,
            });
          }
          inner = new Scope('function', scope);
          if (name && node.type === 'function_expression')
            inner.bind(nameOf(name), { source: { kind: 'value', node }, at: node.start, certain: true });
          bindParameters(node, inner);
        } else if (BLOCKS.has(node.type) && !(node.parent && FUNCTIONS.has(node.parent.type)))
          inner = new Scope('block', scope);
    }
    for (let index = node.children.length - 1; index >= 0; index--) {
      steps.push({
        node: node.children[index]!,
        scope: inner,
        certain: inner === scope ? certain : inner.kind === 'function' ? true : certain,
      });
    }
  }
  return { scopes, fields, callSites, root: module };
}

function isStatement(node: SyntaxNode): boolean {
  return node.parent?.type === 'expression_statement';
}

function functionScope(scope: Scope): Scope {
  let owner = scope;
  while (owner.kind === 'block' && owner.parent) owner = owner.parent;
  return owner;
}

function bindImports(node: SyntaxNode, scope: Scope, textOf: (node: SyntaxNode) => string): void {
  const source =
    childOf(node, 'source') ??
    node.children.map((child) => childOf(child, 'source')).find((found) => found !== undefined);
  if (!source) return;
  const path = modulePath(textOf(source).slice(1, -1));
  const bind = (name: SyntaxNode, bound: string): void =>
    scope.bind(javaScriptName(textOf(name)), { source: { kind: 'path', path: bound }, at: 0, certain: true });
  const open = node.children.filter(
    (child) => child.type === 'import_clause' || child.type === 'import_require_clause',
  );
  for (let next = open.pop(); next; next = open.pop()) {
    if (next.type === 'identifier') bind(next, path);
    else if (next.type === 'import_specifier') {
      const name = childOf(next, 'name');
      const alias = childOf(next, 'alias') ?? name;
      if (name && alias) bind(alias, `${path}.${textOf(name).replaceAll(/["']/g, '')}`);
    } else open.push(...namedChildren(next).filter((child) => child !== source));
  }
}

function addTo(map: Map<string, SyntaxNode[]>, key: string, node: SyntaxNode): void {
  const list = map.get(key);
  if (!list) map.set(key, [node]);
  else if (list.length < 64) list.push(node);
}
