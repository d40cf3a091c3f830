import type { Language } from '../domain/language.ts';
import type { ValidationRequest, ValidationResult } from './validation-result.ts';
import { Budget, BudgetExceededError, LIMITS } from './budget.ts';
import { FindingList } from './finding-list.ts';
import { type GrammarName, forgetParser, parserFor } from './grammars.ts';
import { Judge } from './judge.ts';
import { examineBash } from './languages/bash.ts';
import { examineJavaScript } from './languages/javascript.ts';
import { examinePython } from './languages/python.ts';
import { resolvePolicy, type ResolvedPolicy } from './policy.ts';
import { type SourceText, readSource } from './source-text.ts';
import { findShellLines, mendNotebook } from './notebook-lines.ts';
import { findNul, findSyntaxError } from './syntax-errors.ts';
import { type ParsedTree, type SyntaxNode, parseTree } from './syntax-tree.ts';
import { findOddText } from './text-oddities.ts';

interface Piece {
  readonly language: Language;
  readonly source: SourceText;
  readonly depth: number;
  /** Where in the job's code the piece is run, and by what; undefined for the job's code itself. */
  readonly within?: { readonly node: SyntaxNode; readonly via: string };
}

/** Validates in this process; see `validateCode`, which chooses the process. */
export async function examineCode({
  language,
  code,
  policy = 'standard',
}: ValidationRequest): Promise<ValidationResult> {
  const resolved = resolvePolicy(policy);
  const source = readSource(code.length > LIMITS.codeChars ? '' : code);
  const findings = new FindingList(source, resolved);
  if (code.length > LIMITS.codeChars)
    findings.addAt('too-large', `The code has ${code.length} characters`, 0, 0);
  else await examineAll({ language, source, depth: 0 }, resolved, findings);
  return resultOf(language, resolved, findings);
}

/** The answer for code that could not be examined at all. */
export function refuseCode({ language, policy = 'standard' }: ValidationRequest): ValidationResult {
  const resolved = resolvePolicy(policy);
  const findings = new FindingList(readSource(''), resolved);
  findings.addAt('too-complex', 'The code takes too much work to examine', 0, 0);
  return resultOf(language, resolved, findings);
}

function resultOf(language: Language, policy: ResolvedPolicy, findings: FindingList): ValidationResult {
  const list = findings.sorted();
  const accepted = list.every((finding) => finding.severity !== 'error');
  return { language, policy: policy.name, accepted, findings: list };
}

async function examineAll(first: Piece, policy: ResolvedPolicy, findings: FindingList): Promise<void> {
  const budget = new Budget();
  const pieces: Piece[] = [first];
  const seen = new Set<string>();
  for (let piece = pieces.shift(); piece; piece = pieces.shift()) {
    const key = `${piece.language}\n${piece.source.text}`;
    if (piece.within && seen.has(key)) continue;
    seen.add(key);
    try {
      await examinePiece(piece, policy, findings, budget, (next) => pieces.push(next));
    } catch (error) {
      if (!(error instanceof BudgetExceededError) && !(error instanceof RangeError)) throw error;
      findings.addAt(
        'too-complex',
        'The code takes too much work to examine',
        piece.within?.node.start ?? 0,
        piece.within?.node.end ?? 0,
      );
      return;
    }
  }
}

async function examinePiece(
  piece: Piece,
  policy: ResolvedPolicy,
  findings: FindingList,
  budget: Budget,
  push: (piece: Piece) => void,
): Promise<void> {
  const { language, source, depth, within } = piece;
  const nul = findNul(language, source.text);
  if (nul) {
    // Python refuses it; Bash takes the file for a binary, and its grammar would never come to an end.
    if (!within) findings.addAt('syntax', nul.message, nul.start, nul.end);
    return;
  }
  const parsed = await parsePiece(language, source.text);
  if (!within) {
    const fault = parsed ? await findSyntaxError(language, source, parsed.tree) : undefined;
    if (fault) findings.addAt('syntax', fault.message, fault.start, fault.end);
    if (!policy.isOff)
      for (const odd of findOddText(source.text, language))
        findings.addAt(odd.rule, odd.subject, odd.start, odd.end);
    if (!parsed || (parsed.tree.cut && !fault)) throw new BudgetExceededError('The code is too large a tree');
    // A text that is no program is not judged: what a grammar guesses about it is not what would run.
    if (fault) return;
  }
  if (policy.isOff) return;
  if (!parsed || parsed.tree.cut) throw new BudgetExceededError('The code is too large a tree');
  const judge = new Judge(
    language,
    policy,
    source.text,
    (rule, subject, node) => {
      if (within) findings.add(rule, `${subject} in what ${within.via} runs`, within.node);
      else findings.add(rule, subject, node);
    },
    (inner, text, via, node) => {
      if (depth < LIMITS.embeddedDepth && text.length <= LIMITS.textChars) {
        push({
          language: inner,
          source: readSource(text),
          depth: depth + 1,
          within: within ?? { node, via },
        });
      }
    },
  );
  EXAMINERS[language](parsed.tree.root, parsed.text, budget, judge.see);
  if (language === 'python' && parsed.text !== source.text && depth < LIMITS.embeddedDepth) {
    for (const { command, start, end } of findShellLines(source.text)) {
      const node: SyntaxNode = {
        type: 'shell_line',
        field: '',
        start,
        end,
        named: true,
        parent: null,
        children: [],
      };
      push({
        language: 'bash',
        source: readSource(command),
        depth: depth + 1,
        within: within ?? { node, via: 'the notebook' },
      });
    }
  }
}

const EXAMINERS = {
  python: examinePython,
  javascript: examineJavaScript,
  typescript: examineJavaScript,
  bash: examineBash,
} as const;

/** Parses with the grammar that fits best: TypeScript may hold JSX, Python may hold a notebook's commands. */
async function parsePiece(
  language: Language,
  text: string,
): Promise<{ tree: ParsedTree; text: string } | undefined> {
  const first = await parseWith(language, text);
  if (!first || first.faults.length === 0) return first && { tree: first, text };
  const other =
    language === 'typescript' && text.includes('<')
      ? { grammar: 'tsx' as const, text }
      : language === 'python'
        ? { grammar: 'python' as const, text: mendNotebook(text) }
        : undefined;
  if (other && (other.grammar !== language || other.text !== text)) {
    const second = await parseWith(other.grammar, other.text);
    if (second && second.faults.length === 0) return { tree: second, text: other.text };
  }
  return { tree: first, text };
}

async function parseWith(grammar: GrammarName, text: string): Promise<ParsedTree | undefined> {
  const parser = await parserFor(grammar);
  try {
    return parseTree(parser, text) ?? undefined;
  } catch (error) {
    // WebAssembly may run out of memory or stack; the parser is then not to be trusted again.
    forgetParser(grammar, parser);
    if (error instanceof RangeError || (error instanceof Error && error.name === 'RuntimeError'))
      return undefined;
    throw error;
  }
}
