import type { ItemResult } from '../domain/batch.ts';
import { sentenceOf } from './outcome-of-item.ts';

/** Cases of one item that a page shows; failing ones come first. */
const CASES_SHOWN = 50;
/** Code of one item that a page shows, in characters. */
const CODE_CHARS = 65_536;

/** An item as its row in the page needs it. */
export function rowOfItem(result: ItemResult): Record<string, unknown> {
  const { id, group, verdict, language, durationMs, cached, flaky, diagnosis, findings } = result;
  return {
    ...{ id, group, verdict, language, durationMs, cached, flaky },
    sentence: sentenceOf(result),
    category: diagnosis?.category,
    evidence: diagnosis?.evidence,
    advice: diagnosis?.advice,
    findings: findings.map(({ rule, severity, message, line, column }) => ({
      rule,
      severity,
      message,
      line,
      column,
    })),
  };
}

/** What the page shows of an item where it is opened. */
export function detailOfItem(
  { execution, tests }: ItemResult,
  code: string | undefined,
): Record<string, unknown> {
  return {
    code: code !== undefined && code.length > CODE_CHARS ? `${code.slice(0, CODE_CHARS)}\n… (cut)` : code,
    ...(execution && {
      stdout: execution.stdout.text,
      stderr: execution.stderr.text,
      traceback: execution.error?.traceback,
      results: execution.results.map(({ data, chart }) => ({ data, chart })),
    }),
    ...(tests && { tests: shownTests(tests) }),
  };
}

function shownTests(tests: NonNullable<ItemResult['tests']>): Record<string, unknown> {
  const { kind, total, passed, failed, skipped, cases, coverage, stdout, stderr } = tests;
  const weight = { failed: 0, skipped: 1, passed: 2 };
  const shown = cases.toSorted((a, b) => weight[a.outcome] - weight[b.outcome]).slice(0, CASES_SHOWN);
  return {
    ...{ kind, total, passed, failed, skipped },
    cases: shown,
    left: total - shown.length,
    coverage: coverage && { lines: coverage.lines.percent, branches: coverage.branches.percent },
    stdout: stdout.text,
    stderr: stderr.text,
  };
}
