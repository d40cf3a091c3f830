import type { Finding } from '../domain/finding.ts';
import { LIMITS } from './budget.ts';
import type { ResolvedPolicy } from './policy.ts';
import { findRule } from '../domain/validation-rules.ts';
import { type SourceText, positionAt } from './source-text.ts';
import type { SyntaxNode } from './syntax-tree.ts';

/** Collects findings: at each place one by rule, in all up to a bound. */
export class FindingList {
  readonly #source: SourceText;
  readonly #policy: ResolvedPolicy;
  readonly #found = new Map<string, Finding>();
  #left = 0;
  #leftError = false;

  constructor(source: SourceText, policy: ResolvedPolicy) {
    this.#source = source;
    this.#policy = policy;
  }

  /** Adds what a rule says about a node. */
  add(rule: string, subject: string, node: SyntaxNode): void {
    this.addAt(rule, subject, node.start, node.end);
  }

  /** Adds what a rule says about a stretch of the text. */
  addAt(rule: string, subject: string, start: number, end: number): void {
    const severity = this.#policy.level(rule);
    if (severity === 'off') return;
    const from = positionAt(this.#source, start);
    const key = `${rule} ${from.line}:${from.column}`;
    if (this.#found.has(key)) return;
    if (this.#found.size >= LIMITS.findings) {
      this.#left++;
      this.#leftError ||= severity === 'error';
      return;
    }
    const to = positionAt(this.#source, end);
    const known = findRule(rule)!;
    const message = `${subject.slice(0, 200)}: ${known.advice}`;
    this.#found.set(key, {
      rule,
      severity,
      message,
      line: from.line,
      column: from.column,
      endLine: to.line,
      endColumn: to.column,
    });
  }

  /** The findings in the order of the text, with a last one for those left out. */
  sorted(): Finding[] {
    const list = [...this.#found.values()].toSorted(
      (a, b) => a.line - b.line || a.column - b.column || (a.rule < b.rule ? -1 : Number(a.rule > b.rule)),
    );
    const last = list.at(-1);
    if (last && this.#left > 0) {
      const message = `${this.#left} more findings are left out: correct these first`;
      list.push({
        ...last,
        rule: 'too-many-findings',
        severity: this.#leftError ? 'error' : 'info',
        message,
      });
    }
    return list;
  }
}
