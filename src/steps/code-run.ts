import type { Context, Execution, RunCodeOpts, Sandbox } from '@e2b/code-interpreter';
import { TroubleError } from '../domain/trouble-error.ts';

/** How a run in a code context ended: by itself, by its time limit, or because it was stopped. */
export type CodeRunEnd = { why: 'ended'; execution: Execution } | { why: 'timeout' } | { why: 'stopped' };

export interface CodeRunOptions extends Pick<RunCodeOpts, 'onStdout' | 'onStderr' | 'onResult'> {
  /** Wall time, in ms. */
  timeoutMs: number;
  /** That of the step. */
  signal: AbortSignal;
  /** Aborted by whoever reads the output and has seen enough. */
  stop?: AbortSignal | undefined;
}

/** A code context of its own: a fresh process that ends with `close`, and with it all that it started. */
export class CodeProcess {
  readonly #sandbox: Sandbox;
  readonly #context: Context;
  #closed: Promise<void> | undefined;

  private constructor(sandbox: Sandbox, context: Context) {
    this.#sandbox = sandbox;
    this.#context = context;
  }

  static async start(sandbox: Sandbox, language: string): Promise<CodeProcess> {
    return new CodeProcess(sandbox, await sandbox.createCodeContext({ language }));
  }

  /** Runs code. Throws what the world did; an aborted step throws the signal's reason after the work has been ended. */
  async run(code: string, options: CodeRunOptions): Promise<CodeRunEnd> {
    const { timeoutMs, signal, stop, ...handlers } = options;
    signal.throwIfAborted();
    const { promise: interrupted, resolve: interrupt } = Promise.withResolvers<CodeRunEnd | 'aborted'>();
    const timer = setTimeout(() => interrupt({ why: 'timeout' }), timeoutMs);
    const onAbort = (): void => interrupt('aborted');
    const onStop = (): void => interrupt({ why: 'stopped' });
    signal.addEventListener('abort', onAbort);
    stop?.addEventListener('abort', onStop);
    // The SDK's own limit is only a second fence: it does not tell whether the work has ended.
    const running = this.#sandbox
      .runCode(code, { context: this.#context, timeoutMs: timeoutMs + 30_000, ...handlers })
      .then((execution): CodeRunEnd => ({ why: 'ended', execution }));
    try {
      const end = await Promise.race([running, interrupted]);
      if (end !== 'aborted' && end.why === 'ended') return end;
      // The handlers are quiet before anybody reads what they have gathered.
      await this.close();
      await running.catch(() => undefined);
      if (end === 'aborted') throw signal.reason;
      return end;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      stop?.removeEventListener('abort', onStop);
    }
  }

  /** Ends the process and its children. Trouble in it is trouble of the sandbox, which the next call meets too. */
  close(): Promise<void> {
    this.#closed ??= this.#sandbox.removeCodeContext(this.#context).catch(() => undefined);
    return this.#closed;
  }
}

/** Throws that the sandbox is lost where it does not run any more. */
export async function assertRunning(sandbox: Sandbox): Promise<void> {
  if (await sandbox.isRunning()) return;
  throw new TroubleError({
    type: 'sandbox-lost',
    message: `The sandbox ${sandbox.sandboxId} ended while it worked`,
  });
}
