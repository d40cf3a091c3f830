import type { JobResult } from '../domain/job-result.ts';
import { codeFrame } from './code-frame.ts';
import { lineOfFault } from './line-of-fault.ts';
import { printableLine } from './printable.ts';
import { renderDiagnosis } from './render-diagnosis.ts';
import { renderFinding } from './render-findings.ts';
import { style, styledVerdict } from './style.ts';

/** Why a job ended as it did, with the line of its code where one is to blame. */
export function renderExplanation(result: JobResult, code: string | undefined): string {
  const head = `${styledVerdict(result.verdict)}  ${printableLine(result.jobId)}`;
  if (!result.diagnosis) return `${head}: nothing to explain, the job passed`;
  const blamed = result.findings.filter((finding) => finding.severity === 'error');
  const sections = [head, renderDiagnosis(result.diagnosis)];
  if (['policy', 'syntax'].includes(result.diagnosis.category) && blamed.length > 0)
    sections.push(blamed.map((finding) => renderFinding(finding, 'code', code)).join('\n'));
  else sections.push(...faultyLine(result, code));
  if (result.attempts.length > 1) {
    const ends = result.attempts.map((attempt) => `  ${attempt.number}. ${printableLine(attempt.ended)}`);
    sections.push([style('bold', 'Attempts'), ...ends].join('\n'));
  }
  return sections.join('\n\n');
}

function faultyLine(result: JobResult, code: string | undefined): string[] {
  const line = lineOfFault(result);
  if (line === undefined || code === undefined) return [];
  const text = code.split('\n')[line - 1];
  if (text === undefined) return [];
  const column = text.length - text.trimStart().length + 1;
  return [
    `${style('bold', 'Line')} ${line} of the code\n${codeFrame(code, { line, column, endLine: line, endColumn: text.length + 1 })}`,
  ];
}
