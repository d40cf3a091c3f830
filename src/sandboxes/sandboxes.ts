import { Sandbox } from '@e2b/code-interpreter';
import type { SandboxConnection } from '../config.ts';
import { metadataOf } from './tags.ts';
import type { SandboxTags } from './tags.ts';

export interface OpenOptions {
  template: string;
  internet: boolean;
  tags: SandboxTags;
  /** Look first for a sandbox that an earlier try with the same tags has opened. */
  adopt: boolean;
}

export interface Opened {
  sandboxId: string;
  adopted: boolean;
}

/** How long a sandbox lives unless its owner extends it, in ms: what a crash can leak at most. */
export const SANDBOX_TIMEOUT_MS = 60_000;
const OPEN_REQUEST_TIMEOUT_MS = 30_000;
const REMEMBERED = 500;

/** The sandboxes of one backend: opened, found again and closed through E2B's SDK. */
export class Sandboxes {
  readonly #options;
  /** Handles opened by this process: one request less for each step that follows. */
  readonly #known = new Map<string, Sandbox>();

  constructor(connection: SandboxConnection) {
    // Temporal retries by the table of troubles; two loops around each other would multiply.
    this.#options = { ...connection, retries: 0 };
  }

  async open(request: OpenOptions): Promise<Opened> {
    const metadata = metadataOf(request.tags);
    const [earlier, ...surplus] = request.adopt ? await this.#find(metadata) : [];
    await Promise.all(surplus.map((sandboxId) => this.close(sandboxId)));
    if (earlier !== undefined) {
      await this.get(earlier);
      return { sandboxId: earlier, adopted: true };
    }
    const sandbox = await Sandbox.create(request.template, {
      ...this.#options,
      metadata,
      timeoutMs: SANDBOX_TIMEOUT_MS,
      allowInternetAccess: request.internet,
      requestTimeoutMs: OPEN_REQUEST_TIMEOUT_MS,
    });
    this.#remember(sandbox);
    return { sandboxId: sandbox.sandboxId, adopted: false };
  }

  /** The sandbox of this id, connected. Throws the SDK's SandboxNotFoundError where it is gone. */
  async get(sandboxId: string): Promise<Sandbox> {
    const known = this.#known.get(sandboxId);
    if (known) return known;
    const sandbox = await Sandbox.connect(sandboxId, { ...this.#options, timeoutMs: SANDBOX_TIMEOUT_MS });
    this.#remember(sandbox);
    return sandbox;
  }

  /** Lets it live for another SANDBOX_TIMEOUT_MS. */
  async extend(sandbox: Sandbox): Promise<void> {
    await sandbox.setTimeout(SANDBOX_TIMEOUT_MS);
  }

  /** Kills it. False where it was gone already. */
  async close(sandboxId: string): Promise<boolean> {
    this.#known.delete(sandboxId);
    return await Sandbox.kill(sandboxId, this.#options);
  }

  /** Kills every sandbox of a job, or of one run of it, except one that is seen to otherwise, and answers how many there were. */
  async closeAllOf(
    { jobId, runId }: Pick<SandboxTags, 'jobId'> & Partial<SandboxTags>,
    except?: string,
  ): Promise<number> {
    const found = await this.#find({
      'assay.job': jobId,
      ...(runId !== undefined && { 'assay.run': runId }),
    });
    const killed = await Promise.all(
      found.filter((sandboxId) => sandboxId !== except).map((sandboxId) => this.close(sandboxId)),
    );
    return killed.filter(Boolean).length;
  }

  async #find(metadata: Record<string, string>): Promise<string[]> {
    const pages = Sandbox.list({ ...this.#options, query: { metadata } });
    const found: string[] = [];
    while (pages.hasNext) found.push(...(await pages.nextItems()).map((sandbox) => sandbox.sandboxId));
    return found;
  }

  #remember(sandbox: Sandbox): void {
    this.#known.set(sandbox.sandboxId, sandbox);
    if (this.#known.size > REMEMBERED) this.#known.delete(this.#known.keys().next().value as string);
  }
}
