import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { loadConfig } from './config.ts';
import type { Config } from './config.ts';
import { startWorker } from './worker/start-worker.ts';

export { startWorker } from './worker/start-worker.ts';
export type { RunningWorker, WorkerParts } from './worker/start-worker.ts';

/**
 * The worker as a program: runs until SIGTERM or SIGINT, then drains; a second signal ends it at once. Exit codes: 0 drained, 3 could not start or
 * failed, 64 the configuration is wrong, 130 forced.
 */
export async function runWorker(config: Config): Promise<void> {
  const worker = await startWorker(config);
  let stopping = false;
  const onSignal = (signal: NodeJS.Signals) => {
    if (stopping) process.exit(130);
    stopping = true;
    const seconds = Math.ceil(config.shutdownGraceMs / 1000);
    console.log(`assay worker: ${signal}, running steps may take ${seconds} s to end; again to stop at once`);
    worker.stop().catch(() => undefined);
  };
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
  const { temporal, taskQueue, sandbox, storeUrl } = config;
  const backend = sandbox?.apiUrl ?? `https://api.${sandbox?.domain ?? 'e2b.app'}`;
  console.log(
    `assay worker: ready on ${taskQueue} at ${temporal.address} (${temporal.namespace}), sandboxes ${backend}, store ${storeUrl}`,
  );
  await worker.stopped;
}

function isMain(): boolean {
  const [, script] = process.argv;
  return script !== undefined && realpathSync(script) === realpathSync(fileURLToPath(import.meta.url));
}

/** How much the heap may grow between two collections, in percent. V8's own choice lets a long batch take twice the memory and is no faster. */
const HEAP_GROWING_PERCENT = 25;

if (isMain()) {
  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWING_PERCENT}`);
  try {
    await runWorker(loadConfig());
    process.exit(0);
  } catch (error) {
    const { message, code } = error as Error & { code?: unknown };
    console.error(`assay worker: ${message}`);
    process.exit(code === 'invalid-config' ? 64 : 3);
  }
}
