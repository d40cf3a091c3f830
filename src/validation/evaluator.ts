import { type Budget, BudgetExceededError, LIMITS } from './budget.ts';
import type { Binding, Scope, Use } from './scope.ts';
import { isShadowed, visibleBindings } from './scope.ts';
import { type SyntaxNode, childOf } from './syntax-tree.ts';
import { itemAt } from './text-folding.ts';
import { UNKNOWN, type Values, itemsOf, only, pathValue, union } from './values.ts';

/** The arguments of a call, by position and by name. */
export interface CallArguments {
  readonly positional: readonly SyntaxNode[];
  readonly named: ReadonlyMap<string, SyntaxNode>;
}

/** What a language adds to the shared evaluator. */
export interface Dialect {
  /** The values of an expression, from those of its parts. */
  compute(node: SyntaxNode, evaluator: Evaluator): Values;
  /** The shortest name of a qualified name: `builtins.eval` is `eval`. */
  canonical(path: string): string;
  /** The expressions that a function returns. */
  returns(fn: SyntaxNode): readonly SyntaxNode[];
  /** The arguments of a call: by position and by name. */
  args(call: SyntaxNode, evaluator: Evaluator): CallArguments;
  readonly loops: ReadonlySet<string>;
}

/** The names of a program: found once, before anything is evaluated. */
export interface Names {
  /** The scope of each identifier. */
  readonly scopes: ReadonlyMap<SyntaxNode, Scope>;
  /** Expressions assigned to attributes of objects, by the attribute's name. */
  readonly fields: ReadonlyMap<string, readonly SyntaxNode[]>;
  /** Calls of plain names, by that name. */
  readonly callSites: ReadonlyMap<string, readonly SyntaxNode[]>;
  readonly root: Scope;
}

const MOST_CALL_SITES = 16;
const MOST_UNROLLED = 50_000;

/**
 * Works out what expressions stand for: qualified names through aliases, and constants through what programs do to texts. It
 * runs nothing, follows every branch, and stops at a bound of work.
 */
export class Evaluator {
  readonly text: string;
  readonly names: Names;
  readonly #dialect: Dialect;
  readonly #budget: Budget;
  readonly #memo = new Map<SyntaxNode, Values>();
  readonly #active = new Set<SyntaxNode>();
  #depth = 0;
  #local: ReadonlyMap<string, Values> | undefined;
  #unrolled = 0;

  constructor(text: string, names: Names, dialect: Dialect, budget: Budget) {
    this.text = text;
    this.names = names;
    this.#dialect = dialect;
    this.#budget = budget;
  }

  /** The source text of a node. */
  textOf(node: SyntaxNode): string {
    return this.text.slice(node.start, node.end);
  }

  /** What an expression may stand for. */
  valuesOf(node: SyntaxNode | undefined): Values {
    if (!node) return UNKNOWN;
    const local = this.#local !== undefined;
    if (!local) {
      const known = this.#memo.get(node);
      if (known) return known;
      // Whoever asks again while this is being worked out has come in a circle.
      this.#memo.set(node, UNKNOWN);
    }
    if (local && this.#active.has(node)) return UNKNOWN;
    this.#budget.spend();
    if (++this.#depth > LIMITS.evaluationDepth)
      throw new BudgetExceededError('The code is nested too deeply');
    if (local) this.#active.add(node);
    try {
      const values = this.#dialect.compute(node, this);
      if (!local) this.#memo.set(node, values);
      return values;
    } finally {
      this.#depth--;
      if (local) this.#active.delete(node);
    }
  }

  /** Evaluates an expression once for each item, with names bound to the item; undefined when that is too much. */
  unroll(
    body: SyntaxNode,
    items: readonly Values[],
    bind: (item: Values) => ReadonlyMap<string, Values>,
  ): Values[] | undefined {
    this.#unrolled += items.length;
    if (this.#unrolled > MOST_UNROLLED) return undefined;
    const before = this.#local;
    try {
      return items.map((item) => {
        this.#local = new Map([...(before ?? []), ...bind(item)]);
        return this.valuesOf(body);
      });
    } finally {
      this.#local = before;
    }
  }

  /** What a plain name may stand for; a name that nothing binds is a builtin or global of that name. */
  lookUp(name: string, node: SyntaxNode): Values {
    const local = this.#local?.get(name);
    if (local) return local;
    const scope = this.names.scopes.get(node) ?? this.names.root;
    const owner = scope.owner(name);
    const outside = (): Values =>
      union([
        [pathValue(this.#dialect.canonical(name))],
        ...scope.root.wildcards.map((module) => [pathValue(this.#dialect.canonical(`${module}.${name}`))]),
      ]);
    if (!owner) return outside();
    const use: Use = { scope, at: node.start, repeated: this.#isRepeated(node) };
    const bound = union(visibleBindings(owner, name, use).map((binding) => this.#valuesOfBinding(binding)));
    return isShadowed(owner, name, use) ? bound : union([bound, outside()]);
  }

  /** What a name stands for in the outermost scope, whoever asks. */
  lookUpGlobal(name: string): Values {
    const { root } = this.names;
    const bindings = root.bindings.get(name);
    if (!bindings) return [pathValue(this.#dialect.canonical(name))];
    return union(bindings.slice(-16).map((binding) => this.#valuesOfBinding(binding)));
  }

  /** The attribute of what an expression stands for. */
  member(base: Values, name: string, built: boolean): Values {
    const found: Values[] = [];
    let isKnown = false;
    for (const value of base) {
      if (value.kind === 'path') {
        const path = this.#dialect.canonical(`${value.path}.${name}`);
        if (!value.path.startsWith('?')) isKnown = true;
        found.push(only(pathValue(path, built || value.built)));
      } else if (value.kind === 'dict' && value.entries.has(name)) found.push(value.entries.get(name)!);
      else found.push([pathValue(`?.${name}`, built)]);
    }
    if (base.length === 0) found.push([pathValue(`?.${name}`, built)]);
    if (!isKnown) {
      const fields = this.names.fields.get(name);
      if (fields) found.push(...fields.slice(-8).map((node) => this.valuesOf(node)));
    }
    return union(found);
  }

  /** What a function of the program returns when called. */
  result(fn: SyntaxNode): Values {
    return union(this.#dialect.returns(fn).map((node) => this.valuesOf(node)));
  }

  /** The names of a comprehension do not reach the places where others were bound. */
  #valuesOfBinding(binding: Binding): Values {
    const local = this.#local;
    this.#local = undefined;
    try {
      return this.#valuesOfSource(binding);
    } finally {
      this.#local = local;
    }
  }

  #valuesOfSource({ source }: Binding): Values {
    switch (source.kind) {
      case 'path':
        return only(pathValue(this.#dialect.canonical(source.path)));
      case 'value':
        return this.valuesOf(source.node);
      case 'item': {
        const items = itemsOf(this.valuesOf(source.node));
        return items ? union(items.slice(0, 64)) : UNKNOWN;
      }
      case 'part':
        return union(this.valuesOf(source.node).map((value) => itemAt([value], source.index)));
      case 'property':
        return this.member(this.valuesOf(source.node), source.key, false).filter(
          (value) => value.kind !== 'path' || !value.path.startsWith('?'),
        );
      case 'parameter': {
        const fallback = this.valuesOf(source.fallback);
        const name = childOf(source.of, 'name');
        const sites = name ? (this.names.callSites.get(this.textOf(name)) ?? []) : [];
        const passed = sites.slice(-MOST_CALL_SITES).map((call) => {
          const { positional, named } = this.#dialect.args(call, this);
          return this.valuesOf(named.get(source.name) ?? positional[source.index]);
        });
        return union([fallback, ...passed]);
      }
      default:
        return UNKNOWN;
    }
  }

  #isRepeated(node: SyntaxNode): boolean {
    let up = node.parent;
    for (let level = 0; up && level < 64; level++, up = up.parent)
      if (this.#dialect.loops.has(up.type)) return true;
    return false;
  }
}
