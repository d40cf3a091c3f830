import { fork } from 'node:child_process';
import { LIMITS } from './budget.ts';
import { refuseCode } from './examine-code.ts';
import type { ValidationRequest, ValidationResult } from './validation-result.ts';

// The build turns the suffix of imports into .js, but not that of a URL.
const PROGRAM = new URL(`./long-code${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);
const FLAGS = ['--disable-warning=ExperimentalWarning', `--max-old-space-size=${LIMITS.processMemoryMb}`];

/**
 * Validates in a process that is thrown away. A thread would be enough for code that needs too much memory of JavaScript's, but
 * not where V8 itself gives up, which ends the process. Code that takes the process down twice, or never comes to an end there,
 * is refused.
 */
export async function examineApart(request: ValidationRequest): Promise<ValidationResult> {
  return (await tryApart(request)) ?? (await tryApart(request)) ?? refuseCode(request);
}

/** Undefined where the process ended without an answer. Rejects where it could not be started. */
async function tryApart(request: ValidationRequest): Promise<ValidationResult | undefined> {
  const child = fork(PROGRAM, {
    execArgv: FLAGS,
    env: {},
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<ValidationResult | undefined>((resolve, reject) => {
      timer = setTimeout(() => resolve(refuseCode(request)), LIMITS.processMs);
      child.once('message', (result) => resolve(result as ValidationResult));
      // The end of the channel: after all that was sent, which the end of the process need not be.
      child.once('disconnect', () => child.pid !== undefined && resolve(undefined));
      child.once('error', reject);
      // That it went before it had read all shows as its end.
      child.send(request, () => undefined);
    });
  } finally {
    clearTimeout(timer);
    child.kill('SIGKILL');
  }
}
