import type { Attempt, JobStatus } from '../domain/job-result.ts';
import { decisiveAttempt } from '../domain/next-step.ts';

const SHOWN = 300;

/** A job as Markdown, for the Web UI: what it is doing or came to, its steps, and why it did not pass. */
export function detailsOf(status: JobStatus, attempts: readonly Attempt[]): string {
  const last = decisiveAttempt(attempts);
  const headline =
    status.verdict === undefined
      ? `**Running**: attempt ${status.attempt}, ${status.step}`
      : `**${status.verdict}**: ${plain(last?.ended ?? '')}`;
  const rows = status.steps.map(
    ({ attempt, name, outcome, durationMs }) => `| ${attempt} | ${name} | ${outcome} | ${durationMs} |`,
  );
  const table =
    rows.length === 0 ? [] : ['', '| attempt | step | outcome | ms |', '|---|---|---|---|', ...rows];
  const diagnosis = last?.diagnosis;
  const why = diagnosis
    ? ['', `**Why**: ${diagnosis.category}`, '', `> ${plain(diagnosis.evidence)}`, '', diagnosis.advice]
    : [];
  return [headline, ...table, ...why].join('\n');
}

/** What comes from the code must not become markup. */
export function plain(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  const short = line.length > SHOWN ? `${line.slice(0, SHOWN)}…` : line;
  return short.replace(/[\\`*_{}[\]<>()#+!|~-]/g, '\\$&');
}
