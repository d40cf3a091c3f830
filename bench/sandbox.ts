// The local sandbox server through E2B's own SDK over HTTP, as a program uses it.
import { parseArgs } from 'node:util';
import { Sandbox } from '@e2b/code-interpreter';
import { startTestSandboxServer } from '../test/support/sandbox-server.ts';
import { printFigures, timeMs } from './figures.ts';

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '50' }, warmup: { type: 'string', default: '5' } },
});
const runs = Number(values.runs);
const warmup = Number(values.warmup);

const server = await startTestSandboxServer();
try {
  const { connection } = server;
  const measure = async (work: () => Promise<unknown>, times = 1): Promise<number[]> => {
    const durationsMs: number[] = [];
    for (let run = -warmup * times; run < runs * times; run++) {
      const durationMs = await timeMs(work);
      if (run >= 0) durationsMs.push(durationMs);
    }
    return durationsMs;
  };
  // What takes a millisecond or two: as in a program that has done it before, whose part of it, the SDK's, is compiled by then.
  const measureOften = (work: () => Promise<unknown>): Promise<number[]> => measure(work, 10);
  const rows: Record<string, number[]> = {};

  const opened: Sandbox[] = [];
  const createAndSum = async (where: typeof connection): Promise<void> => {
    const sandbox = await Sandbox.create(where);
    opened.push(sandbox);
    const { text } = await sandbox.runCode('import pandas as pd\nint(pd.DataFrame({"a": [1, 2]}).a.sum())');
    if (text !== '3') throw new Error(`pandas says ${text}`);
  };
  rows['create → first result of pandas'] = await measure(() => createAndSum(connection));
  rows['kill'] = [];
  for (const sandbox of opened) rows['kill'].push(await timeMs(() => sandbox.kill()));

  const pooled = await startTestSandboxServer({ args: ['--warm', '4', '--max-sandboxes', '1000'] });
  try {
    const there = { ...connection, apiKey: pooled.apiKey, apiUrl: pooled.url, sandboxUrl: pooled.url };
    rows['the same from the warm pool'] = [];
    for (let run = -warmup; run < runs; run++) {
      // The pool is filled again between, as it is where creates come one at a time.
      await new Promise((resolve) => setTimeout(resolve, 200));
      const durationMs = await timeMs(() => createAndSum(there));
      if (run >= 0) rows['the same from the warm pool'].push(durationMs);
      await opened.pop()?.kill();
    }
  } finally {
    await pooled.stop();
  }

  const sandbox = await Sandbox.create(connection);
  rows[`runCode('1+1')`] = await measureOften(() => sandbox.runCode('1+1'));
  rows[`runCode('echo 1'), Bash`] = await measureOften(() => sandbox.runCode('echo 1', { language: 'bash' }));
  rows[`commands.run('true')`] = await measureOften(() => sandbox.commands.run('true'));
  const kilobyte = 'x'.repeat(1024);
  rows['1 kB written and read back'] = await measureOften(async () => {
    await sandbox.files.write('small.txt', kilobyte);
    if ((await sandbox.files.read('small.txt')) !== kilobyte) throw new Error('not what was written');
  });
  const bulk = new Blob([Buffer.alloc(50_000_000, 'x')]);
  rows['50 MB up'] = [];
  rows['50 MB down'] = [];
  for (let run = 0; run < 5; run++) {
    rows['50 MB up'].push(await timeMs(() => sandbox.files.write('bulk.bin', bulk)));
    rows['50 MB down'].push(await timeMs(() => sandbox.files.read('bulk.bin', { format: 'bytes' })));
  }
  rows['create a context'] = await measure(async () => {
    const context = await sandbox.createCodeContext();
    await sandbox.removeCodeContext(context);
  });
  rows['20 commands at once'] = await measure(() =>
    Promise.all(Array.from({ length: 20 }, () => sandbox.commands.run('true'))),
  );
  printFigures(rows);
} finally {
  await server.stop();
}
