import type { Parser, TreeCursor } from 'web-tree-sitter';
import { LIMITS } from './budget.ts';
import { workMs } from './work-clock.ts';

/** A node of a syntax tree as a plain object, so that the grammar's own memory is free again at once. */
export interface SyntaxNode {
  readonly type: string;
  readonly field: string;
  readonly start: number;
  readonly end: number;
  readonly named: boolean;
  readonly parent: SyntaxNode | null;
  readonly children: SyntaxNode[];
}

/** A parsed text: its tree, and the nodes at which the grammar stumbled, in the order of the text. */
export interface ParsedTree {
  readonly root: SyntaxNode;
  readonly faults: readonly SyntaxNode[];
  /** True when the tree was too large to be read to its end. */
  readonly cut: boolean;
}

/** What the grammar's input buffer can take at once is 5,119. */
const CHUNK_CHARS = 4_096;

/** Parses a text; null when the time for it is up. */
export function parseTree(parser: Parser, text: string): ParsedTree | null {
  const deadline = workMs() + LIMITS.parseMs;
  // Returning true stops the parser, although the declaration says void.
  const progressCallback = (): boolean => workMs() > deadline;
  // The callback comes too seldom while the grammar skips long stretches of space: reading ends the text early too.
  let isLate = false;
  const read = (index: number): string | undefined => {
    isLate ||= progressCallback();
    return isLate ? undefined : text.slice(index, index + CHUNK_CHARS);
  };
  const tree = parser.parse(read, null, { progressCallback });
  if (!tree || isLate) {
    tree?.delete();
    parser.reset();
    return null;
  }
  const cursor = tree.walk();
  try {
    return readTree(cursor, tree.language.types, tree.language.fields, tree.rootNode.hasError);
  } finally {
    cursor.delete();
    tree.delete();
  }
}

function readTree(
  cursor: TreeCursor,
  types: readonly string[],
  fields: readonly (string | null)[],
  hasError: boolean,
): ParsedTree {
  const faults: SyntaxNode[] = [];
  const root = readNode(cursor, types, fields, null);
  if (root.type === 'ERROR') faults.push(root);
  let parent = root;
  let count = 1;
  let deeper = cursor.gotoFirstChild();
  while (deeper) {
    const node = readNode(cursor, types, fields, parent);
    parent.children.push(node);
    if (hasError && (node.type === 'ERROR' || cursor.nodeIsMissing)) faults.push(node);
    if (++count > LIMITS.syntaxNodes) return { root, faults, cut: true };
    if (cursor.gotoFirstChild()) {
      parent = node;
      continue;
    }
    while (!cursor.gotoNextSibling()) {
      if (!cursor.gotoParent()) return { root, faults, cut: false };
      if (parent.parent === null) return { root, faults, cut: false };
      parent = parent.parent;
    }
    deeper = true;
  }
  return { root, faults, cut: false };
}

function readNode(
  cursor: TreeCursor,
  types: readonly string[],
  fields: readonly (string | null)[],
  parent: SyntaxNode | null,
): SyntaxNode {
  const typeId = cursor.nodeTypeId;
  return {
    type: typeId === 65535 ? 'ERROR' : (types[typeId] ?? cursor.nodeType),
    field: fields[cursor.currentFieldId] ?? '',
    start: cursor.startIndex,
    end: cursor.endIndex,
    named: cursor.nodeIsNamed,
    parent,
    children: [],
  };
}

/** The first child with that field name. */
export function childOf(node: SyntaxNode, field: string): SyntaxNode | undefined {
  for (const child of node.children) if (child.field === field) return child;
  return undefined;
}

/** The named children, comments left out. */
export function namedChildren(node: SyntaxNode): SyntaxNode[] {
  return node.children.filter((child) => child.named && child.type !== 'comment');
}

/** Visits every node after its children, without recursion. */
export function visitBottomUp(root: SyntaxNode, visit: (node: SyntaxNode) => void): void {
  const open: { node: SyntaxNode; next: number }[] = [{ node: root, next: 0 }];
  while (open.length > 0) {
    const top = open[open.length - 1]!;
    const child = top.node.children[top.next++];
    if (child) open.push({ node: child, next: 0 });
    else {
      open.pop();
      visit(top.node);
    }
  }
}
