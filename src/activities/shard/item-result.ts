import type { ItemLine, ItemResult } from '../../domain/batch.ts';
import type { Finding } from '../../domain/finding.ts';
import type { JobInput } from '../../domain/job-input.ts';
import type { Attempt } from '../../domain/job-result.ts';
import { judge } from '../../domain/judge.ts';
import { decisiveAttempt } from '../../domain/next-step.ts';
import type { ItemRun } from '../../steps/item.ts';

export interface ItemFacts {
  attempts: Attempt[];
  findings: Finding[];
  /** Of the attempt that speaks for the item. */
  run: ItemRun;
  startedAtMs: number;
  sandboxMs: number;
}

/** The result of an item that was tried. */
export function itemResult(line: ItemLine, job: JobInput, facts: ItemFacts): ItemResult {
  const { attempts, findings, run, startedAtMs, sandboxMs } = facts;
  const decisive = decisiveAttempt(attempts) as Attempt;
  return {
    id: line.id,
    index: line.index,
    ...(line.group !== undefined && { group: line.group }),
    schemaVersion: 1,
    jobId: job.jobId,
    key: job.key,
    verdict: decisive.verdict,
    language: job.language,
    template: job.template,
    labels: job.labels,
    startedAt: new Date(startedAtMs).toISOString(),
    durationMs: Date.now() - startedAtMs,
    findings,
    attempts,
    execution: run.execution?.execution,
    tests: run.tests?.tests,
    artifacts: run.artifacts?.artifacts ?? [],
    diagnosis: decisive.diagnosis,
    usage: { sandboxMs, codeChars: job.codeChars },
  };
}

/** The result of an item that is no valid job. */
export function badItemResult(batchId: string, line: ItemLine): ItemResult {
  const faults = (line.faults ?? []).map(({ path, message }) =>
    path === '' ? message : `${path}: ${message}`,
  );
  const trouble = {
    type: 'invalid-item',
    message: `The item is no valid job: ${faults.join('; ')}`,
  } as const;
  const now = new Date().toISOString();
  const attempt: Attempt = {
    number: 1,
    startedAt: now,
    durationMs: 0,
    steps: [],
    ...judge({ trouble: { step: 'validate', trouble } }),
  };
  return {
    id: line.id,
    index: line.index,
    schemaVersion: 1,
    jobId: `${batchId}/${line.id}`,
    verdict: 'error',
    language: 'python',
    template: 'default',
    labels: {},
    startedAt: now,
    durationMs: 0,
    findings: [],
    attempts: [attempt],
    artifacts: [],
    diagnosis: attempt.diagnosis,
    usage: { sandboxMs: 0, codeChars: 0 },
  };
}
