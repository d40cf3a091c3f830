import { stripTypeScriptTypes } from 'node:module';
import type { Language } from '../domain/language.ts';
import { type SourceText, positionAt } from './source-text.ts';
import type { ParsedTree, SyntaxNode } from './syntax-tree.ts';

/** Where a text stops being a program. */
export interface SyntaxFault {
  readonly message: string;
  readonly start: number;
  readonly end: number;
}

/** Second opinions are asked for texts up to this size. */
const MOST_CHARS = 100_000;

/**
 * The first syntax error of a text. A grammar's stumble is only a suspicion where a parser that follows the language itself can
 * be asked: acorn for JavaScript, Node's own type stripping for TypeScript, unbash for Bash.
 */
export async function findSyntaxError(
  language: Language,
  source: SourceText,
  tree: ParsedTree,
): Promise<SyntaxFault | undefined> {
  const suspicion = language === 'python' ? findPythonFault(source.text, tree) : firstFault(tree);
  if (!suspicion) return undefined;
  if (language === 'python' || source.text.length > MOST_CHARS) return describe(source, suspicion, tree);
  const opinion = await OPINIONS[language](source.text);
  if (opinion === 'valid') return undefined;
  if (opinion === 'unsure') return describe(source, suspicion, tree);
  return {
    message: `Line ${positionAt(source, opinion.at).line}: ${opinion.message}`,
    start: opinion.at,
    end: opinion.at,
  };
}

type Opinion = 'valid' | 'unsure' | { readonly message: string; readonly at: number };

const OPINIONS: Record<Exclude<Language, 'python'>, (text: string) => Promise<Opinion>> = {
  javascript: askAcorn,
  typescript: askNode,
  bash: askUnbash,
};

async function askAcorn(text: string): Promise<Opinion> {
  const { parse } = await import('acorn');
  let first: Opinion = 'unsure';
  for (const sourceType of ['module', 'script'] as const) {
    try {
      parse(text, {
        ecmaVersion: 'latest',
        sourceType,
        allowHashBang: true,
        allowReturnOutsideFunction: true,
        allowAwaitOutsideFunction: true,
        allowImportExportEverywhere: true,
        allowSuperOutsideMethod: true,
      });
      return 'valid';
    } catch (error) {
      if (
        error instanceof SyntaxError &&
        'pos' in error &&
        typeof error.pos === 'number' &&
        first === 'unsure'
      ) {
        first = { message: error.message.replace(/ \(\d+:\d+\)$/, ''), at: error.pos };
      }
    }
  }
  // JSX is no JavaScript for acorn, and it is for the grammar: where the two differ the grammar's word stands.
  return first;
}

async function askNode(text: string): Promise<Opinion> {
  try {
    stripTypeScriptTypes(text, { mode: 'transform' });
    return 'valid';
  } catch {
    return 'unsure';
  }
}

async function askUnbash(text: string): Promise<Opinion> {
  const { parse } = await import('unbash');
  try {
    const error = parse(text).errors?.[0];
    return error ? { message: error.message, at: error.pos } : 'valid';
  } catch {
    return 'unsure';
  }
}

/** The first place at which the grammar stumbled, in the smallest node that shows it. */
function firstFault(tree: ParsedTree): SyntaxNode | undefined {
  const [first] = tree.faults;
  if (!first) return undefined;
  // A fault that spans lines may begin long before what is wrong: the next one inside it is nearer.
  const inner = tree.faults.find(
    (fault) => fault !== first && fault.start >= first.start && fault.end <= first.end,
  );
  return inner ?? first;
}

/** A NUL byte where no program may hold one; in JavaScript a text may. */
export function findNul(language: Language, text: string): SyntaxFault | undefined {
  const at = language === 'python' || language === 'bash' ? text.indexOf('\0') : -1;
  if (at < 0) return undefined;
  const line = text.slice(0, at).split('\n').length;
  return { message: `Line ${line}: a NUL byte is no part of a program`, start: at, end: at + 1 };
}

function findPythonFault(text: string, tree: ParsedTree): SyntaxNode | undefined {
  const fault = firstFault(tree);
  if (fault || !/\b(?:print|exec)[ \t]+[\w"'([{~-]/.test(text)) return fault;
  return firstOfPython2(tree.root);
}

/** A statement that Python 2 had and Python 3 refuses. `print >>file, x` and `print` alone are refused by neither grammar. */
function firstOfPython2(root: SyntaxNode): SyntaxNode | undefined {
  const open = [root];
  for (let node = open.pop(); node; node = open.pop()) {
    if (node.type === 'exec_statement') return node;
    if (node.type === 'print_statement' && !node.children.some((child) => child.type === 'chevron'))
      return node;
    for (let index = node.children.length - 1; index >= 0; index--) open.push(node.children[index]!);
  }
  return undefined;
}

function describe(source: SourceText, fault: SyntaxNode, tree: ParsedTree): SyntaxFault {
  const { line } = positionAt(source, fault.start);
  const end = Math.min(fault.end, source.lineStarts[line] ?? fault.end);
  return { message: `Line ${line}: ${reason(source.text, fault, tree)}`, start: fault.start, end };
}

function reason(text: string, fault: SyntaxNode, tree: ParsedTree): string {
  if (fault.type === 'print_statement') return '`print` is a function and needs parentheses';
  if (fault.type === 'exec_statement') return '`exec` is a function and needs parentheses';
  if (fault.type !== 'ERROR') return `\`${fault.type}\` is missing`;
  if (fault === tree.root) return 'the text is not a program';
  const near = text
    .slice(fault.start, Math.min(fault.end, fault.start + 60))
    .split('\n')[0]!
    .trim();
  return near === '' ? 'unexpected end' : `unexpected \`${near.slice(0, 40)}\``;
}
