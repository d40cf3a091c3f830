import type { Evaluator } from './evaluator.ts';
import type { Emit } from './events.ts';
import type { SyntaxNode } from './syntax-tree.ts';
import type { Values } from './values.ts';

/** Tells of each name that an expression may stand for. */
export function emitNames(node: SyntaxNode, values: Values, emit: Emit): void {
  for (const value of values)
    if (value.kind === 'path') emit({ on: 'name', path: value.path, built: value.built, node });
}

/** Tells of an identifier: an alias is told where it is made, a plain name where it stands. */
export function emitOwnName(node: SyntaxNode, name: string, evaluator: Evaluator, emit: Emit): void {
  const own = evaluator
    .valuesOf(node)
    .filter((value) => value.kind === 'path' && value.path.slice(value.path.lastIndexOf('.') + 1) === name);
  emitNames(node, own, emit);
}

/** Tells of each name that is given a value by assigning to a part of something. */
export function emitAssignment(left: SyntaxNode, value: Values, evaluator: Evaluator, emit: Emit): void {
  for (const target of evaluator.valuesOf(left))
    if (target.kind === 'path')
      emit({ on: 'assign', path: target.path, built: target.built, node: left, value });
}
