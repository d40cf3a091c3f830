import type { Sandbox } from '@e2b/code-interpreter';
import { TroubleError } from '../domain/trouble-error.ts';
import { classifyTrouble } from './classify-trouble.ts';
import { SANDBOX_TIMEOUT_MS } from './sandboxes.ts';
import type { Sandboxes } from './sandboxes.ts';

/**
 * Runs work in a sandbox, extending its life meanwhile. Where an extension shows that the sandbox is gone, the work's signal is aborted and
 * `sandbox-lost` is thrown, even if the work itself has not noticed.
 */
export async function whileAlive<T>(
  sandboxes: Sandboxes,
  sandbox: Sandbox,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
  everyMs = SANDBOX_TIMEOUT_MS / 4,
): Promise<T> {
  const lost = new AbortController();
  const timer = setInterval(() => {
    sandboxes.extend(sandbox).catch((error: unknown) => {
      const trouble = classifyTrouble(error);
      if (trouble.type === 'sandbox-lost') lost.abort(new TroubleError(trouble, { cause: error }));
    });
  }, everyMs);
  const gone = new Promise<never>((_, reject) => {
    lost.signal.addEventListener('abort', () => reject(lost.signal.reason as Error), { once: true });
  });
  try {
    return await Promise.race([work(AbortSignal.any([signal, lost.signal])), gone]);
  } finally {
    clearInterval(timer);
  }
}
