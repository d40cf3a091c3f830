import type { Sandbox } from '@e2b/code-interpreter';
import type { Isolation } from '../../domain/batch.ts';
import type { JobInput } from '../../domain/job-input.ts';
import { SANDBOX_TIMEOUT_MS } from '../../sandboxes/sandboxes.ts';
import type { Sandboxes } from '../../sandboxes/sandboxes.ts';
import type { SandboxTags } from '../../sandboxes/tags.ts';
import { Runner } from '../../steps/runner.ts';
import type { StepContext } from '../../steps/step-context.ts';
import type { Parked } from './parked.ts';

/** After so many items a sandbox is replaced, whatever it looks like. */
const ITEMS_A_SANDBOX = 1_000;

/** A sandbox at work, and the runner in it where items share it. */
export interface Berth {
  sandbox: Sandbox;
  runner?: Runner | undefined;
}

export interface Opened extends Berth {
  sandboxId: string;
  kind: string;
  items: number;
  timer: NodeJS.Timeout;
}

/**
 * The sandboxes of a shard, one at work at a time: opened when an item needs one, used again while it is clean, closed when it is not. Where
 * each item has its own, the next one is opened while one is at work.
 */
export class Lane {
  readonly #sandboxes: Sandboxes;
  readonly #tags: Pick<SandboxTags, 'owner' | 'jobId' | 'runId'>;
  readonly #isolation: Isolation;
  readonly #context: StepContext;
  readonly #parked: Parked;
  #opened: Opened | undefined;
  #next: Promise<Opened | undefined> | undefined;
  /** The job after the one that is at work, where there is one. */
  coming: JobInput | undefined;
  #opening = 0;
  readonly #closing = new Set<Promise<unknown>>();

  constructor(
    sandboxes: Sandboxes,
    tags: Pick<SandboxTags, 'owner' | 'jobId' | 'runId'>,
    isolation: Isolation,
    context: StepContext,
    parked: Parked,
  ) {
    this.#parked = parked;
    this.#sandboxes = sandboxes;
    this.#tags = tags;
    this.#isolation = isolation;
    this.#context = context;
  }

  get sandboxId(): string | undefined {
    return this.#opened?.sandboxId;
  }

  /** A sandbox that suits the job. Throws what the world did. */
  async berth(job: JobInput): Promise<Berth> {
    const kind = kindOf(job);
    if (this.#opened && this.#opened.kind !== kind) this.discard();
    this.#opened ??=
      (await this.#takeNext(kind)) ??
      this.#parked.take(this.#tags.jobId, kind) ??
      (await this.#open(job, kind));
    this.#opened.items += 1;
    if (this.#isolation === 'item') this.#openNext();
    return this.#opened;
  }

  /** After an item: makes the sandbox ready for the next one, or lets go of it. */
  async leave(): Promise<void> {
    const { runner, items } = this.#opened ?? {};
    // What the item came to is known: a sandbox that was lost in the cleaning does not change it.
    const clean =
      runner && items! < ITEMS_A_SANDBOX
        ? await runner.clean(this.#context.signal).then(
            (spoilt) => spoilt === undefined,
            () => false,
          )
        : false;
    if (!clean) this.discard();
  }

  /** Closes the sandbox, without waiting. */
  discard(): void {
    const opened = this.#opened;
    this.#opened = undefined;
    if (opened) this.#letGo(opened);
  }

  #letGo(opened: Opened): void {
    clearInterval(opened.timer);
    const closing = this.#sandboxes.close(opened.sandboxId).catch(() => undefined);
    this.#closing.add(closing);
    void closing.finally(() => this.#closing.delete(closing));
  }

  /** Closes what a try of this shard has opened whose worker is dead. */
  async sweep(): Promise<void> {
    await this.#sandboxes.closeAllOf(this.#tags).catch(() => undefined);
  }

  /** The end of the shard: a clean sandbox is left to the next one of the batch. Waits until the others are closed. */
  async close({ keep }: { keep: boolean }): Promise<void> {
    const next = await this.#next;
    this.#next = undefined;
    for (const opened of [this.#opened, next])
      if (opened && keep) this.#parked.put(this.#tags.jobId, opened);
      else if (opened) this.#letGo(opened);
    this.#opened = undefined;
    await Promise.all(this.#closing);
  }

  #openNext(): void {
    const job = this.coming;
    if (!job || this.#next) return;
    // Where the world does not let it, it is opened when it is needed, and what is wrong shows then.
    this.#next = this.#open(job, kindOf(job)).catch(() => undefined);
  }

  async #takeNext(kind: string): Promise<Opened | undefined> {
    const next = this.#next;
    this.#next = undefined;
    const opened = await next;
    if (!opened || opened.kind === kind) return opened;
    this.#letGo(opened);
    return undefined;
  }

  async #open(job: JobInput, kind: string): Promise<Opened> {
    this.#context.signal.throwIfAborted();
    this.#opening += 1;
    const tags = { ...this.#tags, opening: this.#opening, attempt: 1 };
    const { template, limits, tests } = job;
    const request = { template, internet: limits.internet, tags, adopt: false };
    const { sandboxId } = await this.#sandboxes.open(request);
    const sandbox = await this.#sandboxes.get(sandboxId);
    const timer = setInterval(
      () => void this.#sandboxes.extend(sandbox).catch(() => undefined),
      SANDBOX_TIMEOUT_MS / 4,
    );
    try {
      const runner =
        this.#isolation === 'shard'
          ? await Runner.open(sandbox, this.#context, { shared: true, pytest: tests?.kind === 'pytest' })
          : undefined;
      return { sandbox, sandboxId, runner, kind, items: 0, timer };
    } catch (error) {
      clearInterval(timer);
      await this.#sandboxes.close(sandboxId).catch(() => undefined);
      throw error;
    }
  }
}

function kindOf({ template, limits }: JobInput): string {
  return `${template} ${limits.internet}`;
}
