import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openSandboxesOf } from '../support/open-sandboxes.ts';
import { connectTo, environmentOf, testConfig } from '../support/stack.ts';
import { spawnWorker } from '../support/worker-process.ts';

const DEADLY = 'kills-whoever-runs-it';

/** Ends a worker by SIGKILL at the moment at which it sends the deadly item to a sandbox. */
const KILLER = `
const { stringify } = JSON;
JSON.stringify = (...given) => {
  const text = stringify(...given);
  if (text?.includes('context_id') && text.includes('${DEADLY}')) process.kill(process.pid, 'SIGKILL');
  return text;
};
`;

test(
  'an item that kills each of its workers ends as an error, and its neighbours get their verdicts',
  {
    timeout: 240_000,
  },
  async () => {
    const config = await testConfig();
    const assay = await connectTo(config);
    const killer = join(tmpdir(), `assay-killer-${process.pid}.mjs`);
    await writeFile(killer, KILLER);
    const env = { ...environmentOf(config), NODE_OPTIONS: `--import ${killer}` };
    let deaths = 0;
    let over = false;
    let worker = spawnWorker(env);
    const replaced = (async () => {
      for (; !over; deaths += 1) {
        await worker.exited;
        if (!over) worker = spawnWorker(env);
      }
    })();
    try {
      const rows = Array.from({ length: 12 }, (_, at) => ({
        id: `i${at}`,
        language: 'python',
        code: at === 5 ? `x = '${DEADLY}'` : `x = ${at}`,
        tests: { kind: 'script', code: at === 8 ? 'assert x == 0' : 'assert True' },
      }));
      const result = await assay.batches.run({ rows }, { concurrency: 1, cache: false });
      expect(result).toMatchObject({ state: 'done', done: 12, counts: { passed: 10, failed: 1, error: 1 } });
      const results = await Array.fromAsync((await assay.batches.get(result.batchId)).results());
      const deadly = results.find(({ verdict }) => verdict === 'error');
      expect(deadly).toMatchObject({ id: 'i5', diagnosis: { evidence: expect.stringMatching(/3 workers/) } });
      expect(deaths, 'it was tried more than once').toBeGreaterThan(2);
      expect(await openSandboxesOf(config, result.batchId)).toEqual([]);
    } finally {
      over = true;
      await worker.kill();
      await replaced;
      await assay.close();
      await rm(killer);
      await rm(config.storeUrl, { recursive: true, force: true });
    }
  },
);
