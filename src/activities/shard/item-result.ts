import type { ItemLine, ItemResult } from '../../domain/batch.ts';
import type { Finding } from '../../domain/finding.ts';
import type { JobInput } from '../../domain/job-input.ts';
import type { Attempt } from '../../domain/job-result.ts';
import { judge } from '../../domain/judge.ts';
import { decisiveAttempt } from '../../domain/next-step.ts';
import type { Trouble } from '../../domain/trouble.ts';
import type { ItemRun } from '../../steps/item.ts';

export interface ItemFacts {
  attempts: Attempt[];
  findings: Finding[];
  /** Of the attempt that speaks for the item. */
  run: ItemRun;
  startedAtMs: number;
  sandboxMs: number;
}

/** What a result says of its job. */
type ItemJob = Pick<JobInput, 'jobId' | 'key' | 'language' | 'template' | 'labels' | 'codeChars'>;

/** The result of an item that was tried. */
export function itemResult(line: ItemLine, job: ItemJob, facts: ItemFacts): ItemResult {
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
  const message = `The item is no valid job: ${faults.join('; ')}`;
  const job = {
    jobId: `${batchId}/${line.id}`,
    key: undefined,
    language: 'python',
    template: 'default',
    labels: {},
    codeChars: 0,
  } as const;
  return troubleResult(line, job, { type: 'invalid-item', message });
}

/** The result of an item at whose run one worker after the other has died. */
export function deadlyItemResult(line: ItemLine, job: JobInput, deaths: number): ItemResult {
  const message = `${deaths} workers in a row have died while they ran this item`;
  return troubleResult(line, job, { type: 'worker-lost', message });
}

/** The result of an item that was not run. */
function troubleResult(line: ItemLine, job: ItemJob, trouble: Trouble): ItemResult {
  const startedAtMs = Date.now();
  const ended = judge({ trouble: { step: 'validate', trouble } });
  const startedAt = new Date(startedAtMs).toISOString();
  const attempt: Attempt = { number: 1, startedAt, durationMs: 0, steps: [], ...ended };
  const run: ItemRun = { steps: [] };
  return itemResult(line, job, { attempts: [attempt], findings: [], run, startedAtMs, sandboxMs: 0 });
}
