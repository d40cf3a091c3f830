import type { SyntaxNode } from './syntax-tree.ts';

/** One way in which a name gets its value. */
export interface Binding {
  readonly source:
    | { readonly kind: 'value'; readonly node: SyntaxNode }
    | { readonly kind: 'item'; readonly node: SyntaxNode }
    | { readonly kind: 'part'; readonly node: SyntaxNode; readonly index: number }
    | { readonly kind: 'property'; readonly node: SyntaxNode; readonly key: string }
    | { readonly kind: 'path'; readonly path: string }
    | {
        readonly kind: 'parameter';
        readonly of: SyntaxNode;
        readonly index: number;
        readonly name: string;
        readonly fallback?: SyntaxNode;
      }
    | { readonly kind: 'unknown' };
  /** From which offset on the binding holds. */
  readonly at: number;
  /** True when it is made whenever its scope is run: no branch or loop around it. */
  readonly certain: boolean;
}

/** A region of names. */
export class Scope {
  readonly kind: 'module' | 'function' | 'class' | 'block';
  readonly parent: Scope | undefined;
  readonly bindings = new Map<string, Binding[]>();
  /** Names that belong to another scope (Python's `global` and `nonlocal`). */
  readonly redirected = new Map<string, Scope>();
  /** Modules all of whose names are taken in. */
  readonly wildcards: string[] = [];

  readonly #root: Scope;

  constructor(kind: Scope['kind'], parent?: Scope) {
    this.kind = kind;
    this.parent = parent;
    this.#root = parent?.root ?? this;
  }

  /** The outermost scope. */
  get root(): Scope {
    return this.#root;
  }

  /** Adds a binding to the scope that owns the name. */
  bind(name: string, binding: Binding): void {
    const owner = this.redirected.get(name) ?? this;
    const list = owner.bindings.get(name);
    if (list) list.push(owner === this ? binding : { ...binding, certain: false });
    else owner.bindings.set(name, [owner === this ? binding : { ...binding, certain: false }]);
  }

  /** The scope in which a name used here is found; undefined when none binds it. */
  owner(name: string): Scope | undefined {
    let scope: Scope | undefined = this.redirected.get(name) ?? this;
    let inner = true;
    for (let level = 0; scope && level < 500; level++) {
      // A class body's names are not seen from the functions in it.
      if ((inner || scope.kind !== 'class') && scope.bindings.has(name)) return scope;
      inner = false;
      scope = scope.parent;
    }
    return undefined;
  }
}

const MOST_BINDINGS = 32;

/** Where a name is used; `repeated` says that it is inside a loop. */
export interface Use {
  readonly scope: Scope;
  readonly at: number;
  readonly repeated: boolean;
}

/**
 * The bindings that a use may see, the latest ones first. In the scope that binds the name, outside loops, an earlier certain
 * binding hides the ones before it, and later ones do not count; from inner functions all of them do.
 */
export function visibleBindings(owner: Scope, name: string, use: Use): readonly Binding[] {
  const all = owner.bindings.get(name) ?? [];
  if (use.scope !== owner || use.repeated) return all.slice(-MOST_BINDINGS);
  const picked: Binding[] = [];
  for (let index = countUntil(all, use.at) - 1; index >= 0 && picked.length < MOST_BINDINGS; index--) {
    const binding = all[index]!;
    if (binding.at > use.at) continue;
    picked.push(binding);
    if (binding.certain) break;
  }
  return picked.length > 0 ? picked : all.slice(-MOST_BINDINGS);
}

/** True when every way to the use passes a binding of the name, so that what the name meant before is hidden. */
export function isShadowed(owner: Scope, name: string, use: Use): boolean {
  if (owner.kind === 'function') return true;
  const all = owner.bindings.get(name) ?? [];
  if (use.scope !== owner) return all.slice(0, MOST_BINDINGS).some((binding) => binding.certain);
  return all.slice(0, MOST_BINDINGS).some((binding) => binding.certain && binding.at <= use.at);
}

/** How many bindings hold from that offset on at the latest; bindings are kept in the order of the text. */
function countUntil(bindings: readonly Binding[], at: number): number {
  let low = 0;
  let high = bindings.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (bindings[middle]!.at <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}
