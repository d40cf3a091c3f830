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
  /** Variables to which the tests give a value. */
  assigned: string[];
  /** Programs by which the tests look, and for which the code has no functions. */
  tools: string[];
  /** Whether the tests end before their last line. */
  leave: boolean;
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
/** What tests compare files and texts by. */
export const LOOKED_FOR = [...TOOLS, 'diff', 'cmp'];
/** Functions of the harness: the one takes notice where its argument is no number, the other answers it besides. */
export const NUMBER = 'assay_number';
export const PLAIN = 'assay_plain';
const PATTERNS = new Set(['==', '=', '!=', '=~']);
const LITERALS = new Set(['number', 'word', 'string', 'raw_string', 'concatenation']);
const EXPECTED_FILE = />\s*["']?([\w./-]*(?:expect|want|correct)[\w.-]*)/g;
const EXPECTATION = /^(expect|want|correct)\w*$/i;
/** `(( ))`, and of it what holds no variable by itself: commands, lengths, other bases, and elements of arrays. */
const ARITHMETIC = /^\(\((?:(?!\)\))[^])*[=!<>](?:(?!\)\))[^])*\)\)$/;
const NO_VARIABLE = /\$\([^)]*\)|\$\{[#!][^}]*\}|\w+#\$?\{?\w+\}?|\w+\[[^\]]*\]/g;
const BESIDE_NUMBERS = /\$\{?(\w+)\}?"?\s+-(?:ne|lt|le|gt|ge)\s|\s-(?:ne|lt|le|gt|ge)\s+"?\$\{?(\w+)\b/g;
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
  if (!ofCode || !ofTests || ofCode.cut || ofTests.cut)
    return { tests, taken: [], assigned: [], tools: [], leave: true };
  // The grammar does not know all that the shell does.
  const isUnclear = ofTests.faults.length > 0;
  const mine = functionsBelow(ofCode.root, code);
  const theirs = ofTests.root.children.flatMap((node) => functionsOf(node, tests));
  const bound = new Set([...bindingsBelow(ofCode.root, code), ...mine]);
  const given = bindingsBelow(ofTests.root, tests);
  const wanted = [...given].find(
    (name) => EXPECTATION.test(name) && !bound.has(name) && new RegExp(`\\$\\{?${name}\\b`).test(code),
  );
  const shown = theirs.find(
    ({ name }) =>
      !mine.includes(name) && new RegExp(`\\b(declare|typeset|type)\\s+(-\\w+\\s+)*${name}\\b`).test(code),
  );
  const ends = endsOf(ofTests.root, tests);
  const file = Array.from(tests.matchAll(EXPECTED_FILE), ([, name]) => name!).find((name) =>
    code.includes(name),
  );
  const isTrapped = /\btrap\b[^\n]*\bset \+e\b[^\n]*\b(ERR|DEBUG)\b/.test(code);
  return {
    tests: edited(
      tests,
      isUnclear
        ? []
        : [
            ...fixedFunctions(theirs, tests),
            ...plainAnswers(ofTests.root, tests),
            ...numbers(ofTests.root, tests),
            ...ends
              .filter(({ word }) => word === 'exit')
              .map(({ start, end }) => ({ at: start, to: end, text: 'return' })),
          ],
    ),
    leave: isUnclear || ends.length > 0,
    taken: isUnclear ? [] : toolsOf(mine, wordsBelow(ofCode.root, code), wordsBelow(ofTests.root, tests)),
    assigned: [...given].filter((name) => /^[a-zA-Z_]\w*$/.test(name)),
    tools: [...TOOLS].filter((name) => uses(tests, name) > 0 && !mine.includes(name)),
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

interface Edit {
  at: number;
  /** Where what it stands instead of ends. Default: there is nothing. */
  to?: number;
  text: string;
}

function edited(text: string, edits: Edit[]): string {
  let [made, from] = ['', 0];
  for (const { at, to = at, text: added } of edits.toSorted((one, other) => one.at - other.at)) {
    made += text.slice(from, at) + added;
    from = to;
  }
  return made + text.slice(from);
}

/** Where the tests may end well by a word, outside of functions and of shells below: in a file that is sourced, `exit` and `return` mean the same. */
function endsOf(root: SyntaxNode, text: string): { start: number; end: number; word: string }[] {
  const isLeft = ({ type }: SyntaxNode): boolean =>
    /^(function_definition|subshell|command_substitution|process_substitution|pipeline)$/.test(type);
  const found: { start: number; end: number; word: string }[] = [];
  const look = (node: SyntaxNode): void => {
    if (isLeft(node)) return;
    const { start } = node;
    const [, word] = /^(exit|return)(?!\s+[1-9])(?![\w-])/.exec(text.slice(start, node.end)) ?? [];
    if (node.type === 'command' && word) found.push({ start, end: start + word.length, word });
    node.children.forEach(look);
  };
  look(root);
  return found;
}

/** Right behind each function that the tests make once, so that lines stay what they are. */
function fixedFunctions(functions: FoundFunction[], tests: string): Edit[] {
  return functions.flatMap(({ name, end }) => {
    const isLastOfLine = /^[ \t]*(#.*)?$/m.exec(tests.slice(end))?.index === 0;
    const isMadeOnce = functions.filter((other) => other.name === name).length === 1;
    const isLetGo = new RegExp(`unset\\s+-f.*\\b${name}\\b`).test(tests);
    return isLastOfLine && isMadeOnce && !isLetGo ? [{ at: end, text: `; readonly -f ${name}` }] : [];
  });
}

/** Around what commands answer inside of `(( ))` and beside the `-eq` of `[[ ]]`, and behind the `==` of `[[ ]]` where a plain text stands before it. */
function plainAnswers(root: SyntaxNode, text: string): Edit[] {
  return walk(root).flatMap((node): Edit[] => {
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

/** Around comparisons of numbers: a look at each variable in them that may hold an answer, for an error there is neither equal nor unequal. */
function numbers(root: SyntaxNode, text: string): Edit[] {
  const literal = namesOfLiterals(text);
  const seen = new Set<number>();
  return walk(root).flatMap(({ type, start, end, children }): Edit[] => {
    const said = text.slice(start, end);
    const isTest = type === 'test_command' && children[0]?.type === '[[';
    if (seen.has(start) || !(isTest || ARITHMETIC.test(said))) return [];
    const found = isTest
      ? said.matchAll(BESIDE_NUMBERS)
      : said.replace(NO_VARIABLE, ' ').matchAll(/(?<!\w)([a-zA-Z_]\w*)|\$\{?(\d)\b/g);
    const names = new Set(Array.from(found, ([, one, other]) => (one ?? other)!));
    const asked = [...names].filter((name) => !literal.has(name));
    // By its text, nothing makes an error there.
    const isText = (name: string): boolean =>
      !isTest && new RegExp(`\\$(${name}\\b|\\{${name}\\})`).test(said);
    if (asked.length === 0) return [];
    seen.add(start);
    const looks = asked.map((name) => `${NUMBER} "\${${name}${isText(name) ? ':-none' : '-'}}"; `);
    return [
      { at: start, text: `{ ${looks.join('')}` },
      { at: end, text: '; }' },
    ];
  });
}

/** Variables to which the tests give nothing but what stands there, and numbers that they have reckoned themselves. */
function namesOfLiterals(text: string): Set<string> {
  const found = new Map<string, boolean>();
  for (const [, name, value] of text.matchAll(/(?<![-\w$])(\w+)=("[^"]*"|\$\(\(|[^\s;]*)/g))
    found.set(name!, found.get(name!) !== false && (value === '$((' || !/[$`]/.test(value!)));
  return new Set([...found].flatMap(([name, isLiteral]) => (isLiteral ? [name] : [])));
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
