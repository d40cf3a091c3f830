import { Worker } from 'node:worker_threads';
import { LIMITS } from './budget.ts';
import { refuseCode } from './examine-code.ts';
import type { ValidationRequest, ValidationResult } from './validation-result.ts';

// The build turns the suffix of imports into .js, but not that of a URL.
const THREAD = new URL(`./thread${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);

/** Validates in a thread that is thrown away; code that takes the thread down, or never comes to an end there, is refused. */
export async function examineInThread(request: ValidationRequest): Promise<ValidationResult> {
  const thread = new Worker(THREAD, {
    workerData: request,
    resourceLimits: { maxOldGenerationSizeMb: LIMITS.threadMemoryMb },
  });
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<ValidationResult>((resolve, reject) => {
      timer = setTimeout(() => resolve(refuseCode(request)), LIMITS.threadMs);
      thread.once('message', resolve);
      thread.once('error', (error: NodeJS.ErrnoException) =>
        error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? resolve(refuseCode(request)) : reject(error),
      );
    });
  } finally {
    clearTimeout(timer);
    await thread.terminate();
  }
}
