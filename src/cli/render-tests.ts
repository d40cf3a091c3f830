import type { Coverage, TestCase, TestReport } from '../domain/job-result.ts';
import { printable, printableLine } from './printable.ts';
import { style } from './style.ts';
import { count, duration } from './units.ts';

const FAILURES = 20;
const MESSAGE_LINES = 12;
const MISSING_LINES = 30;

/** The totals of a test run, its failures with their messages, and its coverage. */
export function renderTests(report: TestReport): string {
  const failures = report.cases.filter((test) => test.outcome === 'failed');
  const lines = [
    `${style('bold', 'Tests')} ${report.passed} passed, ${report.failed} failed, ${report.skipped} skipped (${report.kind})`,
    ...failures.slice(0, FAILURES).map(renderFailure),
  ];
  if (failures.length > FAILURES)
    lines.push(`  … and ${count(failures.length - FAILURES, 'more failure')}; --json has them all`);
  if (report.coverage) lines.push(renderCoverage(report.coverage));
  return lines.join('\n');
}

function renderFailure(test: TestCase): string {
  const head = `  ${style('red', '✗')} ${printableLine(test.name)} (${duration(test.durationMs)})`;
  if (!test.message) return head;
  const lines = printable(test.message.trimEnd()).split('\n');
  const shown = lines.length > MESSAGE_LINES ? ['…', ...lines.slice(-MESSAGE_LINES)] : lines;
  return [head, ...shown.map((line) => `      ${line}`)].join('\n');
}

function renderCoverage({ lines, branches, files }: Coverage): string {
  const share = ({ covered, total, percent }: Coverage['lines']) =>
    `${percent.toFixed(1)} % (${covered} of ${total})`;
  const missing = files
    .filter((file) => file.missingLines.length > 0)
    .map((file) => `  ${printableLine(file.path)}: lines ${ranges(file.missingLines)} were not reached`);
  return [`${style('bold', 'Coverage')} lines ${share(lines)}, branches ${share(branches)}`, ...missing].join(
    '\n',
  );
}

/** `1-3, 7, 9-10`. */
export function ranges(numbers: number[]): string {
  const spans: [number, number][] = [];
  for (const number of numbers.toSorted((a, b) => a - b)) {
    const last = spans.at(-1);
    if (last && number <= last[1] + 1) last[1] = number;
    else spans.push([number, number]);
  }
  const shown = spans
    .slice(0, MISSING_LINES)
    .map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`));
  return spans.length > MISSING_LINES ? `${shown.join(', ')}, …` : shown.join(', ');
}
