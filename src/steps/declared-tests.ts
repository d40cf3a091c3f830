import type { JobInput } from '../domain/job-input.ts';
import { parserFor } from '../validation/grammars.ts';
import { parseTree } from '../validation/syntax-tree.ts';
import type { SyntaxNode } from '../validation/syntax-tree.ts';

/** What is taken from `node:test`, by import or require, in braces or under the name of its default. */
const TAKEN =
  /(?:import|const|let|var)\s+(?:(\w+)\s*,?\s*)?(?:\{([^}]*)\})?\s*(?:from|=\s*require\()\s*['"]node:test['"]/g;

/**
 * Names of the tests that a reader of a node:test file sees, such as `stack > pops`: what must be reported, whatever the code does. Only
 * such as stand at the top of the file, or of a suite that does, and have a plain text for a name.
 */
export async function declaredTests(text: string, language: JobInput['language']): Promise<string[]> {
  if (/\bonly\b/.test(text)) return [];
  const taken = new Set(
    [...text.matchAll(TAKEN)].flatMap(([, name = '', braces = '']) => [name, ...braces.split(/\s*,\s*/)]),
  );
  const tree = parseTree(await parserFor(language), text);
  if (!tree || tree.cut || tree.faults.length > 0) return [];
  return [...testsAmong(tree.root.children, text, '', new Set([...taken].map((name) => name.trim())))];
}

function* testsAmong(
  statements: readonly SyntaxNode[],
  text: string,
  prefix: string,
  taken: ReadonlySet<string>,
): Generator<string> {
  for (const statement of statements) {
    const call = callOf(statement);
    const [callee, parameters] = call?.children.filter((child) => child.named) ?? [];
    const [title, ...rest] = parameters?.children.filter((child) => child.named) ?? [];
    const name = title && plainText(title, text);
    const called = callee && text.slice(callee.start, callee.end);
    if (name === undefined || called === undefined || !taken.has(called)) continue;
    const body = rest.length === 1 ? bodyOf(rest[0]!) : undefined;
    if (called === 'describe' || called === 'suite') {
      if (body) yield* testsAmong(body.children, text, `${prefix}${name} > `, taken);
    } else if (called === 'test' || called === 'it') yield prefix + name;
  }
}

function callOf(statement: SyntaxNode): SyntaxNode | undefined {
  if (statement.type !== 'expression_statement') return undefined;
  const [expression] = statement.children;
  const call = expression?.type === 'await_expression' ? expression.children.at(-1) : expression;
  return call?.type === 'call_expression' ? call : undefined;
}

function plainText({ type, start, end }: SyntaxNode, text: string): string | undefined {
  const inner = text.slice(start + 1, end - 1);
  if (type !== 'string' && type !== 'template_string') return undefined;
  return /\\|\$\{|\n/.test(inner) || inner === '' ? undefined : inner;
}

function bodyOf(callback: SyntaxNode): SyntaxNode | undefined {
  return callback.children.find((child) => child.type === 'statement_block');
}
