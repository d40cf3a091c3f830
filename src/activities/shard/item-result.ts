import type { ItemLine, ItemResult } from '../../domain/batch.ts';
import type { JobInput } from '../../domain/job-input.ts';
import type { Attempt } from '../../domain/job-result.ts';
import { jobResultOf, type ResultFacts, type ResultJob } from '../../domain/job-result-of.ts';
import { judge } from '../../domain/judge.ts';
import type { Trouble } from '../../domain/trouble.ts';

/** The result of an item that was tried. */
export function itemResult(line: ItemLine, job: ResultJob, facts: ResultFacts): ItemResult {
  return {
    id: line.id,
    index: line.index,
    ...(line.group !== undefined && { group: line.group }),
    ...jobResultOf(job, facts),
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
function troubleResult(line: ItemLine, job: ResultJob, trouble: Trouble): ItemResult {
  const startedAtMs = Date.now();
  const ended = judge({ trouble: { step: 'validate', trouble } });
  const startedAt = new Date(startedAtMs).toISOString();
  const attempt: Attempt = { number: 1, startedAt, durationMs: 0, steps: [], ...ended };
  const nothing = { attempts: [attempt], findings: [], outcomesOf: () => ({}), sandboxMs: 0 };
  return itemResult(line, job, { ...nothing, startedAtMs });
}
