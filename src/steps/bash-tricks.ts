import type { CodeFault } from '../domain/step-outcome.ts';
import { parserFor } from '../validation/grammars.ts';
import { parseTree } from '../validation/syntax-tree.ts';
import type { SyntaxNode } from '../validation/syntax-tree.ts';
import { forged } from './test-judgement.ts';

/** What the texts of a Bash script and of its tests say about each other. */
export interface BashTricks {
  /** The tests, whose own functions nobody can replace once they are made, and for which an answer is no expression and no pattern. */
  tests: string;
  /** Functions of the code that bear the names of programs, by which the tests do not mean the code's. */
  taken: string[];
  /** What only a forger does, whatever the tests came to. */
  surely?: string | undefined;
  /** What honest code may do for reasons of its own, but hardly where its tests fail. */
  likely?: string | undefined;
}

/** Programs by which tests look at what the code has made. */
const TOOLS = new Set(
  'grep egrep fgrep wc cat sort uniq head tail cut tr awk sed seq comm od xxd sha1sum sha256sum md5sum cksum jq bc python3 node expr find'.split(
    ' ',
  ),
);
/** Words by which the shell decides, and no program's name that code could have a use for. */
const DECIDING = '\\[ exit set return true false : \\. source eval builtin enable unset trap'.split(' ');
/** The same, where the tests say them. */
const DECIDING_IF_USED = 'test diff cmp printf'.split(' ');
/** A function of the harness: its argument, where that is no expression. */
export const PLAIN = 'assay_plain';
const PATTERNS = new Set(['==', '=', '!=', '=~']);
const LITERALS = new Set(['number', 'word', 'string', 'raw_string', 'concatenation']);
const EXPECTED_FILE = />\s*["']?([\w./-]*(?:expect|want|correct)[\w.-]*)/g;
const EXPECTATION = /^(expect|want|correct)\w*$/i;
/** Each with what it does. */
const LIKELY: [RegExp, string][] = [
  [/\benable\s+-n\b/, 'disables builtins'],
  [/\bBASH_ENV=/, 'sets BASH_ENV'],
  [/\bhash\s+-p\b/, 'gives programs other paths'],
  [/\bcommand_not_found_handle\b/, 'answers for programs that are not there'],
  [/\bextdebug\b|\btrap\b.*\bDEBUG\b/, 'sets a trap that looks at each command'],
  [/\btrap\s+(['"])[^'"]*\b(exit\s+0|set\s+\+e)\b[^'"]*\1/, 'sets a trap that ends well'],
  [/\/proc\/(self|\$PPID|\$\{PPID\})\/(fd|mem)\b/, 'writes to descriptors that it was not given'],
  [/\bsolution\.test\.sh\b/, 'reaches for the file of the tests'],
  [/\bBASH_XTRACEFD=|\bPS4=.*\$\(/, 'lets the shell write down the tests'],
  [/\bBASH_COMMAND\b/, 'reads the commands of the tests'],
];

/** Reads both. Answers nothing where the grammar cannot. */
export async function bashTricks(code: string, tests: string): Promise<BashTricks> {
  const parser = await parserFor('bash');
  const [ofCode, ofTests] = [parseTree(parser, code), parseTree(parser, tests)];
  if (!ofCode || !ofTests || ofCode.cut || ofTests.cut || ofTests.faults.length > 0)
    return { tests, taken: [] };
  const mine = functionsBelow(ofCode.root, code);
  const theirs = ofTests.root.children.flatMap((node) => functionsOf(node, tests));
  const bound = new Set([...bindingsBelow(ofCode.root, code), ...mine]);
  const wanted = [...bindingsBelow(ofTests.root, tests)].find(
    (name) => EXPECTATION.test(name) && !bound.has(name) && new RegExp(`\\$\\{?${name}\\b`).test(code),
  );
  const shown = theirs.find(
    ({ name }) =>
      !mine.includes(name) && new RegExp(`\\b(declare|typeset|type)\\s+(-\\w+\\s+)*${name}\\b`).test(code),
  );
  const file = Array.from(tests.matchAll(EXPECTED_FILE), ([, name]) => name!).find((name) =>
    code.includes(name),
  );
  const isTrapped = /\btrap\b[^\n]*\bset \+e\b[^\n]*\b(ERR|DEBUG)\b/.test(code);
  return {
    tests: edited(tests, [...fixedFunctions(theirs, tests), ...plainAnswers(ofTests.root, tests)]),
    taken: toolsOf(mine, wordsBelow(ofCode.root, code), wordsBelow(ofTests.root, tests)),
    surely: wanted
      ? `the code reads what the tests expect ($${wanted})`
      : shown
        ? `the code looks at a function of the tests (${shown.name})`
        : file
          ? `the code reaches for what the tests expect (${file})`
          : isTrapped
            ? 'the code lets errors of the tests pass by a trap'
            : undefined,
    likely: likelyTrick(code, tests, theirs),
  };
}

/** The fault, where the tricks tell more than it. */
export function faultWithTricks(
  fault: CodeFault | undefined,
  { surely, likely }: BashTricks,
): CodeFault | undefined {
  if (surely !== undefined) return forged(surely);
  return fault?.category === 'assertion' && likely !== undefined ? forged(likely) : fault;
}

interface FoundFunction {
  name: string;
  end: number;
}

function functionsOf(node: SyntaxNode, text: string): FoundFunction[] {
  const word = node.children.find((child) => child.type === 'word');
  if (node.type !== 'function_definition' || !word) return [];
  return [{ name: text.slice(word.start, word.end), end: node.end }];
}

function functionsBelow(node: SyntaxNode, text: string): string[] {
  return walk(node).flatMap((each) => functionsOf(each, text).map(({ name }) => name));
}

/** Names that are given a value, in whatever way. */
function bindingsBelow(node: SyntaxNode, text: string): Set<string> {
  const names = walk(node).flatMap(({ type, start, end, parent }) => {
    const declared = parent?.type === 'declaration_command' || parent?.type === 'variable_assignment';
    const looped = parent?.type === 'for_statement';
    return type === 'variable_name' && (declared || looped) ? [text.slice(start, end)] : [];
  });
  const read = text.matchAll(/\b(?:read|mapfile|readarray|printf -v|getopts \S+)\s+((?:[-\w]+\s*)+)/g);
  return new Set([...names, ...[...read].flatMap(([, words = '']) => words.split(/\s+/))]);
}

function walk(node: SyntaxNode): SyntaxNode[] {
  const found = [node];
  for (const each of found) found.push(...each.children);
  return found;
}

interface Insertion {
  at: number;
  text: string;
}

function edited(text: string, insertions: Insertion[]): string {
  let [made, from] = ['', 0];
  for (const { at, text: added } of insertions.toSorted((one, other) => one.at - other.at)) {
    made += text.slice(from, at) + added;
    from = at;
  }
  return made + text.slice(from);
}

/** Right behind each function that the tests make once, so that lines stay what they are. */
function fixedFunctions(functions: FoundFunction[], tests: string): Insertion[] {
  return functions.flatMap(({ name, end }) => {
    const isLastOfLine = /^[ \t]*(#.*)?$/m.exec(tests.slice(end))?.index === 0;
    const isMadeOnce = functions.filter((other) => other.name === name).length === 1;
    const isLetGo = new RegExp(`unset\\s+-f.*\\b${name}\\b`).test(tests);
    return isLastOfLine && isMadeOnce && !isLetGo ? [{ at: end, text: `; readonly -f ${name}` }] : [];
  });
}

/** Around what commands answer inside of `(( ))` and beside the `-eq` of `[[ ]]`, and behind the `==` of `[[ ]]` where a plain text stands before it. */
function plainAnswers(root: SyntaxNode, text: string): Insertion[] {
  return walk(root).flatMap((node): Insertion[] => {
    const { type, start, end, parent } = node;
    if (parent?.type !== 'binary_expression') return [];
    const [left, operator] = parent.children;
    const holder = holderOf(parent);
    const isArithmetic =
      holder.type === 'compound_statement' ||
      (holder.children[0]?.type === '[[' &&
        /^-(eq|ne|[gl][te])$/.test(text.slice(operator?.start, operator?.end)));
    if (isArithmetic && type === 'command_substitution')
      return [
        { at: start, text: `$(${PLAIN} "` },
        { at: end, text: '")' },
      ];
    const isAnswer = type === 'command_substitution' || type === 'simple_expansion';
    const isLast = node !== left && PATTERNS.has(operator?.type ?? '');
    if (holder.children[0]?.type !== '[[' || !isAnswer || !isLast || !LITERALS.has(left!.type)) return [];
    return [
      { at: start, text: '"' },
      { at: end, text: '"' },
    ];
  });
}

function holderOf(node: SyntaxNode): SyntaxNode {
  let holder = node;
  while (holder.parent && holder.type.endsWith('expression')) holder = holder.parent;
  return holder;
}

/** Where the tests call other functions of the code too, a program's name means the program, unless the code uses its own. */
function toolsOf(mine: string[], ofCode: string[], ofTests: string[]): string[] {
  if (!mine.some((name) => !TOOLS.has(name) && ofTests.includes(name))) return [];
  const isUsed = (name: string): boolean => ofCode.filter((word) => word === name).length > 1;
  return mine.filter((name) => TOOLS.has(name) && !isUsed(name) && ofTests.includes(name));
}

function wordsBelow(node: SyntaxNode, text: string): string[] {
  return walk(node).flatMap(({ type, start, end }) => (type === 'word' ? [text.slice(start, end)] : []));
}

function uses(text: string, word: string): number {
  return text.match(new RegExp(`(?<![\\w-])${word}(?![\\w-])`, 'g'))?.length ?? 0;
}

function likelyTrick(code: string, tests: string, theirs: FoundFunction[]): string | undefined {
  const found = LIKELY.find(([pattern]) => pattern.test(code));
  if (found) return `the tests failed, and the code ${found[1]}`;
  const helpers = theirs.map(({ name }) => name).filter((name) => /^(assert|expect|check|fail)/.test(name));
  const used = [...DECIDING_IF_USED, ...TOOLS].filter((word) => uses(tests, word) > 0);
  const replaced = [...DECIDING, ...used, ...helpers].find((word) =>
    new RegExp(`(^|[\\s;{&|'"])((function\\s+)?${word}\\s*\\(\\)|alias\\s+${word}=)`, 'm').test(code),
  );
  if (replaced) return `the tests failed, and the code has its own ${replaced.replace('\\', '')}`;
  const renamed = /\b(?:declare|typeset)\s+-\w*n\w*\s+(\w+)/.exec(code)?.[1];
  return renamed && new RegExp(`^\\s*${renamed}=`, 'm').test(tests)
    ? `the tests failed, and the code makes ${renamed} another name`
    : undefined;
}
