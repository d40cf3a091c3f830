// A batch of many small items, then one several times as long of the same kind: the rate is to stay, and memory too.
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { Assay } from '../src/client.ts';
import { startStack } from '../src/embedded/stack.ts';
import { timeMs } from './figures.ts';

const { values } = parseArgs({
  options: { items: { type: 'string', default: '5000' }, times: { type: 'string', default: '10' } },
});
const least = Number(values.items);

/** Resident memory of the worker's process, in MiB. */
function workerMb(): number {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      if (!command.includes('src/worker.ts') || !status.includes(`PPid:\t${process.pid}\n`)) continue;
      return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
    } catch {
      // It has ended meanwhile.
    }
  }
  return 0;
}

async function* rows(count: number) {
  for (let at = 0; at < count; at++)
    yield {
      id: `i${at}`,
      language: 'python',
      code: `def f():\n    return ${at}\n`,
      tests: { kind: 'script', code: `assert f() == ${at}\n` },
    };
}

const stack = await startStack({ ephemeral: true });
try {
  const { temporal, storeUrl, taskQueue } = stack.config;
  await using assay = await Assay.connect({ ...temporal, storeUrl, taskQueue });
  console.log('| items | items a second | worker, MiB at most | client, MiB at most |\n|---|---|---|---|');
  for (const count of [least, least * Number(values.times)]) {
    let [worker, client] = [0, 0];
    const timer = setInterval(() => {
      worker = Math.max(worker, workerMb());
      client = Math.max(client, process.memoryUsage.rss() / 1024 / 1024);
    }, 1_000);
    const ms = await timeMs(async () => {
      const { counts } = await assay.batches.run(
        { rows: rows(count) },
        { concurrency: availableParallelism(), cache: false },
      );
      if (counts.passed !== count) throw new Error(`the batch came to ${JSON.stringify(counts)}`);
    });
    clearInterval(timer);
    console.log(
      `| ${count} | ${((count / ms) * 1000).toFixed(1)} | ${worker.toFixed(0)} | ${client.toFixed(0)} |`,
    );
  }
} finally {
  await stack.stop();
}
