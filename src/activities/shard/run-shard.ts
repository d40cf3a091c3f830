import { setTimeout as sleep } from 'node:timers/promises';
import type { ItemLine, ItemRange, ItemResult, RunShardInput, ShardOutcome } from '../../domain/batch.ts';
import type { JobInput } from '../../domain/job-input.ts';
import type { Attempt, Verdict } from '../../domain/job-result.ts';
import { judge } from '../../domain/judge.ts';
import type { Evidence } from '../../domain/judge.ts';
import { nextStep } from '../../domain/next-step.ts';
import { Patience } from '../../domain/patience.ts';
import type { ValidateOutcome } from '../../domain/step-outcome.ts';
import { whileAlive } from '../../sandboxes/keep-alive.ts';
import type { Sandboxes } from '../../sandboxes/sandboxes.ts';
import { runItem } from '../../steps/item.ts';
import type { ItemRun } from '../../steps/item.ts';
import type { StepContext } from '../../steps/step-context.ts';
import { validate } from '../../steps/validate.ts';
import { batchFolder } from '../../store/batch-folder.ts';
import type { Store } from '../../store/store.ts';
import { troubleOf } from '../to-failure.ts';
import { badItemResult, deadlyItemResult, itemResult } from './item-result.ts';
import { VerdictCache } from './verdict-cache.ts';
import { Lane } from './lane.ts';
import { Ledger } from './ledger.ts';
import type { Parked } from './parked.ts';
import type { ShardItems } from './shard-items.ts';

/** Items whose validation runs ahead of the one that is in the sandbox. */
const VALIDATED_AHEAD = 4;
/** An item at which so many workers have died is not tried again. */
const MOST_DEATHS = 3;
/** Which of several verdicts counts where no one has more runs than another. */
const IN_DOUBT: readonly Verdict[] = ['failed', 'rejected', 'error', 'passed'];

export interface ShardParts {
  store: Store;
  sandboxes: Sandboxes;
  items: ShardItems;
  parked: Parked;
}

export interface ShardTry {
  /** Names the shard, the same for each of its tries. */
  shardId: string;
  /** Counted from 1. */
  number: number;
  owner: string;
  signal: AbortSignal;
  onProgress(done: number): void;
}

/**
 * The items of a shard, one after the other in a sandbox at a time. Told to stop, it gives back what it has and what is left, and throws
 * only what keeps it from recording anything.
 */
export async function runShard(
  input: RunShardInput,
  { store, sandboxes, items, parked }: ShardParts,
  { shardId, number, owner, signal, onProgress }: ShardTry,
): Promise<ShardOutcome> {
  const from = performance.now();
  const lines = await items.read(input.items, input.ranges);
  const own = input.owning ? store.ownedBy(input.batchId) : store;
  // An item that is to run several times is not asked what it once came to.
  const cache = input.cache && input.attempts === 1 ? new VerdictCache(store) : undefined;
  const ledger = await Ledger.open(own, `${batchFolder(input.batchId)}${shardId}/`, number);
  // Recorded verdicts outlive the batch, and so does what they name.
  const context = { store: cache ? store : own, signal };
  const lane = new Lane(
    sandboxes,
    { owner, jobId: input.batchId, runId: shardId },
    input.isolation,
    context,
    parked,
  );
  const left: number[] = [];
  let keep = false;
  try {
    if (number > 1) await lane.sweep();
    const unknown = lines.filter((line) => !ledger.has(line.index));
    for (const result of (await cache?.find(unknown)) ?? []) ledger.add(result);
    const todo = grouped(unknown.filter((line) => !ledger.has(line.index)));
    const validated = ahead(
      todo,
      (line) => line.job && validate(line.job, context),
      number === 1 ? VALIDATED_AHEAD : 1,
    );
    const resultOf = async (line: ItemLine): Promise<ItemResult> => {
      if (!line.job) return badItemResult(input.batchId, line);
      const deaths = ledger.deathsAt(line.index);
      if (deaths >= MOST_DEATHS) return deadlyItemResult(line, line.job, deaths);
      const validation = (await validated(line)) as ValidateOutcome;
      return await new ItemStory(line, line.job, lane, sandboxes, context).run(validation, input.attempts);
    };
    for (const [at, line] of todo.entries()) {
      lane.coming = todo[at + 1]?.job;
      const late = performance.now() - from > input.softLimitMs && ledger.done > 0;
      if (signal.aborted || late) {
        left.push(line.index);
        continue;
      }
      try {
        await ledger.during(line.index, async () => {
          const result = await resultOf(line);
          ledger.add(result);
          if (line.job) await cache?.put(line.job, result);
        });
      } catch (error) {
        if (!signal.aborted) throw error;
        left.push(line.index);
      }
      onProgress(ledger.done);
    }
    keep = !signal.aborted;
  } catch (error) {
    await ledger.close();
    throw error;
  } finally {
    await lane.close({ keep });
  }
  const busyMs = Math.round(performance.now() - from);
  return { ...(await ledger.seal()), left: rangesOf(left), busyMs };
}

/** One item: its attempts, its trouble and its result. */
class ItemStory {
  readonly #line: ItemLine;
  readonly #job: JobInput;
  readonly #lane: Lane;
  readonly #sandboxes: Sandboxes;
  readonly #context: StepContext;

  constructor(line: ItemLine, job: JobInput, lane: Lane, sandboxes: Sandboxes, context: StepContext) {
    this.#line = line;
    this.#job = job;
    this.#lane = lane;
    this.#sandboxes = sandboxes;
    this.#context = context;
  }

  /** As often as asked for; runs that disagree make it flaky, and the verdict is that of most, in doubt the worse one. */
  async run(validation: ValidateOutcome, times: number): Promise<ItemResult> {
    const results = [await this.#once(validation)];
    while (results.length < times && validation.fault === undefined)
      results.push(await this.#once(validation));
    const verdicts: NonNullable<ItemResult['flaky']>['verdicts'] = {};
    for (const { verdict } of results) verdicts[verdict] = (verdicts[verdict] ?? 0) + 1;
    const [most] = Object.entries(verdicts).toSorted(
      ([a, n], [b, m]) => m - n || IN_DOUBT.indexOf(a as Verdict) - IN_DOUBT.indexOf(b as Verdict),
    )[0]!;
    const decisive = results.find(({ verdict }) => verdict === most) as ItemResult;
    if (Object.keys(verdicts).length === 1) return decisive;
    return { ...decisive, flaky: { runs: results.length, verdicts } };
  }

  async #once(validation: ValidateOutcome): Promise<ItemResult> {
    const startedAtMs = Date.now();
    const attempts: Attempt[] = [];
    const runs = new Map<Attempt, ItemRun>();
    let sandboxMs = 0;
    for (;;) {
      const attemptAtMs = Date.now();
      const { run, evidence, sandboxId } = await this.#attempt(validation);
      const durationMs = Date.now() - attemptAtMs;
      if (sandboxId !== undefined) sandboxMs += durationMs;
      const attempt: Attempt = {
        number: attempts.length + 1,
        sandboxId,
        startedAt: new Date(attemptAtMs).toISOString(),
        durationMs,
        steps: run.steps,
        ...judge(evidence),
      };
      attempts.push(attempt);
      runs.set(attempt, run);
      const next = nextStep(attempts, this.#job.retry);
      if (next.do === 'finish') break;
      await sleep(next.afterMs, undefined, { signal: this.#context.signal });
    }
    return itemResult(this.#line, this.#job, {
      attempts,
      findings: validation.findings,
      outcomesOf: (decisive) => runs.get(decisive) ?? {},
      startedAtMs,
      sandboxMs,
    });
  }

  /** One attempt of the code. Trouble of the world is waited out within it, in a fresh sandbox. */
  async #attempt(
    validation: ValidateOutcome,
  ): Promise<{ run: ItemRun; evidence: Evidence; sandboxId?: string | undefined }> {
    const patience = new Patience(this.#job.retry.worldTimeoutMs);
    for (;;) {
      const run: ItemRun = { steps: [] };
      if (validation.fault) return { run, evidence: { validation } };
      try {
        const sandboxId = await this.#inSandbox(run);
        return { run, evidence: { validation, ...run }, sandboxId };
      } catch (error) {
        this.#context.signal.throwIfAborted();
        const { sandboxId } = this.#lane;
        this.#lane.discard();
        if (run.execution?.fault || run.tests?.fault)
          return { run, evidence: { validation, ...run }, sandboxId };
        const trouble = troubleOf(error);
        const afterMs = patience.afterMs(trouble);
        if (afterMs === undefined) {
          const step = run.steps.at(-1)?.name ?? 'open';
          return { run, evidence: { validation, ...run, trouble: { step, trouble } }, sandboxId };
        }
        await sleep(afterMs, undefined, { signal: this.#context.signal });
      }
    }
  }

  async #inSandbox(run: ItemRun): Promise<string | undefined> {
    const { sandbox, runner } = await this.#lane.berth(this.#job);
    const { sandboxId } = this.#lane;
    const { store, signal } = this.#context;
    await whileAlive(this.#sandboxes, sandbox, signal, (alive) =>
      runItem(sandbox, this.#job, { store, signal: alive }, { run, runner }),
    );
    await this.#lane.leave();
    return sandboxId;
  }
}

/** Items of one template side by side, so that a sandbox serves as many as it can. */
function grouped(lines: ItemLine[]): ItemLine[] {
  const kind = ({ job }: ItemLine): string => (job ? `${job.template} ${job.limits.internet}` : '');
  return lines.toSorted((a, b) => (kind(a) < kind(b) ? -1 : kind(a) > kind(b) ? 1 : a.index - b.index));
}

/** Starts work for the next few while the first is waited for. */
function ahead<T, R>(list: T[], work: (item: T) => R, most: number): (item: T) => R {
  const begun = new Map<T, R>();
  let next = 0;
  return (item) => {
    const at = list.indexOf(item, Math.max(0, next - most - 1));
    for (next = Math.max(next, at); next < Math.min(at + most, list.length); next++) {
      const value = work(list[next]!);
      if (value instanceof Promise) value.catch(() => undefined);
      begun.set(list[next]!, value);
    }
    const value = begun.get(item) ?? work(item);
    begun.delete(item);
    return value;
  };
}

function rangesOf(indexes: number[]): ItemRange[] {
  const ranges: ItemRange[] = [];
  for (const index of indexes.toSorted((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last?.[1] === index) last[1] = index + 1;
    else ranges.push([index, index + 1]);
  }
  return ranges;
}
