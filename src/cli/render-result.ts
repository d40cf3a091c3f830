import type { Attempt, Execution, JobResult, OutputText, TestReport } from '../domain/job-result.ts';
import { printable, printableLine } from './printable.ts';
import { renderDiagnosis } from './render-diagnosis.ts';
import { renderFinding } from './render-findings.ts';
import { renderTests } from './render-tests.ts';
import { style, styledVerdict } from './style.ts';
import { count, duration, size } from './units.ts';

const OUTPUT_LINES = 40;

/** A result for a person: the verdict first, then what explains it, then what it left behind. */
export function renderResult(result: JobResult): string {
  const sections = [
    headline(result),
    ...(result.diagnosis ? [renderDiagnosis(result.diagnosis)] : []),
    result.findings.map((finding) => renderFinding(finding, 'code')).join('\n'),
    attempts(result.attempts),
    ...(result.execution ? [executed(result.execution)] : []),
    ...(result.tests ? [renderTests(result.tests), testOutput(result.tests, result)] : []),
    artifacts(result),
  ];
  return sections.filter((section) => section !== '').join('\n\n');
}

function headline(result: JobResult): string {
  const parts = [
    printableLine(result.jobId),
    result.language,
    duration(result.durationMs),
    ...(result.attempts.length > 1 ? [count(result.attempts.length, 'attempt')] : []),
    ...(result.tests ? [`${result.tests.passed} of ${count(result.tests.total, 'test')} passed`] : []),
  ];
  return `${styledVerdict(result.verdict)}  ${parts.join(', ')}`;
}

/** Told only where there was more than one: a single attempt is the result itself. */
function attempts(all: Attempt[]): string {
  if (all.length < 2) return '';
  const lines = all.map(
    (attempt) =>
      `  ${attempt.number}. ${styledVerdict(attempt.verdict)} after ${duration(attempt.durationMs)}: ${printableLine(attempt.ended)}`,
  );
  return [style('bold', 'Attempts'), ...lines].join('\n');
}

function executed(execution: Execution): string {
  const parts = [
    output('Output', execution.stdout),
    output('Error output', execution.stderr),
    richResults(execution),
  ];
  if (execution.error) {
    const { name, value, traceback } = execution.error;
    parts.push(
      `${style('bold', 'Raised')} ${printable(`${name}: ${value}`)}\n${indented(bothEnds(printable(traceback)))}`,
    );
  }
  return parts.filter((part) => part !== '').join('\n\n');
}

function testOutput(tests: TestReport, { verdict }: JobResult): string {
  if (verdict === 'passed') return '';
  return [output('Output of the tests', tests.stdout), output('Error output of the tests', tests.stderr)]
    .filter((part) => part !== '')
    .join('\n\n');
}

/** What the code showed: text in full, everything else by its type and size. */
function richResults(execution: Execution): string {
  const lines = execution.results.map((result) => {
    const types = Object.entries(result.data).map(([type, value]) =>
      typeof value === 'string'
        ? `${type} (${size(approximateBytes(type, value))})`
        : `${type} (${size(value.bytes)}, ${value.ref})`,
    );
    const chart = result.chart === undefined || result.chart === null ? [] : ['chart data'];
    const text = result.data['text/plain'];
    const shown = result.main && typeof text === 'string' ? `${firstLine(printable(text))}  ` : '';
    return `  ${shown}${style('dim', printableLine([...types, ...chart].join(', ')))}`;
  });
  return lines.length === 0 ? '' : [style('bold', 'Results'), ...lines].join('\n');
}

function artifacts({ artifacts: all, artifactsOmitted, jobId }: JobResult): string {
  if (all.length === 0 && !artifactsOmitted) return '';
  const lines = all.map(
    (artifact) =>
      `  ${printableLine(artifact.path)}  ${size(artifact.bytes)}  ${style('dim', printableLine(artifact.ref))}`,
  );
  return [
    style('bold', 'Artifacts'),
    ...lines,
    ...(artifactsOmitted ? [`  ${count(artifactsOmitted, 'more file')} left out, over the limit`] : []),
    `  fetch them: assay artifacts get ${printableLine(jobId)} --all`,
  ].join('\n');
}

function output(title: string, { text, truncated, totalChars }: OutputText): string {
  if (text.trim() === '') return '';
  const cut = truncated ? ` (cut; ${count(totalChars, 'character')} in all)` : '';
  return `${style('bold', title)}${cut}\n${indented(bothEnds(printable(text.trimEnd())))}`;
}

/** Both ends of a long text, with what lies between counted. */
function bothEnds(text: string): string {
  const lines = text.trimEnd().split('\n');
  if (lines.length <= OUTPUT_LINES) return lines.join('\n');
  const half = OUTPUT_LINES / 2;
  return [
    ...lines.slice(0, half),
    `… ${count(lines.length - OUTPUT_LINES, 'line')} left out here …`,
    ...lines.slice(-half),
  ].join('\n');
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, '  ');
}

function firstLine(text: string): string {
  const [line = '', ...rest] = text.split('\n');
  return rest.length > 0 || line.length > 200 ? `${line.slice(0, 200)} …` : line;
}

function approximateBytes(type: string, value: string): number {
  const binary = /^(image\/(?!svg)|application\/(pdf|octet-stream))/.test(type);
  return binary ? Math.floor((value.length * 3) / 4) : Buffer.byteLength(value);
}
