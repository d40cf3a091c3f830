import type { TestCase, TestReport } from '../domain/job-result.ts';
import { filterText } from './text-filter.ts';

const MAX_CASES = 1_000;
const MESSAGE_CHARS = 4_000;
/** Of all messages together: a report travels inside the workflow's history. */
const MESSAGES_TOTAL_CHARS = 128_000;

/** The report's totals and its cases: failures are kept first, in the order in which they ran otherwise. */
export function reportOf(
  kind: string,
  cases: readonly TestCase[],
  rest: Pick<TestReport, 'coverage' | 'stdout' | 'stderr'>,
): TestReport {
  const count = (outcome: TestCase['outcome']) => cases.filter((test) => test.outcome === outcome).length;
  const failures = cases.filter((test) => test.outcome === 'failed');
  const kept =
    cases.length <= MAX_CASES
      ? cases
      : [...failures, ...cases.filter((test) => test.outcome !== 'failed')].slice(0, MAX_CASES);
  let messageChars = 0;
  return {
    kind,
    total: cases.length,
    passed: count('passed'),
    failed: failures.length,
    skipped: count('skipped'),
    cases: kept.map((test) => {
      const name = test.name.slice(0, 300);
      if (test.message === undefined || messageChars > MESSAGES_TOTAL_CHARS)
        return { ...test, name, message: undefined };
      const message = cut(filterText(test.message));
      messageChars += message.length;
      return { ...test, name, message };
    }),
    casesTruncated: cases.length > MAX_CASES,
    ...rest,
  };
}

function cut(message: string): string {
  if (message.length <= MESSAGE_CHARS) return message;
  const half = MESSAGE_CHARS / 2;
  return `${message.slice(0, half)}\n… (truncated ${message.length - MESSAGE_CHARS} characters) …\n${message.slice(-half)}`;
}
