import { rm } from 'node:fs/promises';
import { assert, describe, expect, test, vi } from 'vitest';
import type { Assay, JobHandle, JobSpec } from '../../src/client.ts';
import type { Config } from '../../src/config.ts';
import { openSandboxesOf } from '../support/open-sandboxes.ts';
import { connectTo, testConfig } from '../support/stack.ts';
import { startWorkerProcess } from '../support/worker-process.ts';
import type { Verb, WorkerProcess } from '../support/worker-process.ts';

const tested: JobSpec = {
  language: 'python',
  code: 'def add(a, b):\n    open("made.txt", "w").write("x")\n    return a + b\n',
  tests: { kind: 'pytest', code: 'from solution import add\n\ndef test_add():\n    assert add(1, 2) == 3\n' },
  artifacts: ['*.txt'],
};
const executed: JobSpec = { language: 'python', code: 'open("made.txt", "w").write("x")\nprint(40 + 2)\n' };

interface Place {
  config: Config;
  assay: Assay;
  worker(haltIn?: Verb): Promise<WorkerProcess>;
}

/** Each test has its own task queue and workers, so that all of them can wait for their time-outs at once. */
async function inPlace(use: (place: Place) => Promise<void>): Promise<void> {
  const config = await testConfig();
  const assay = await connectTo(config);
  const workers: WorkerProcess[] = [];
  const worker = async (haltIn?: Verb) => {
    const started = await startWorkerProcess(config, haltIn);
    workers.push(started);
    return started;
  };
  try {
    await use({ config, assay, worker });
  } finally {
    await Promise.all(workers.map((started) => started.kill()));
    await assay.close();
    await rm(config.storeUrl, { recursive: true, force: true });
  }
}

describe.concurrent('a worker killed in the middle of a step', () => {
  const cases: [Verb, JobSpec][] = [
    ['validateCode', tested],
    ['openSandbox', tested],
    ['executeCode', executed],
    ['runTests', tested],
    ['collectArtifacts', tested],
    ['closeSandbox', tested],
  ];
  test.each(cases)('%s: a second one finishes the job, with one verdict and no sandbox left', (verb, spec) =>
    inPlace(async ({ config, assay, worker }) => {
      const first = await worker(verb);
      const handle = await assay.jobs.start(spec);
      await first.line('halted');
      const left = await openSandboxesOf(config, handle.jobId);
      expect(left).toHaveLength(verb === 'validateCode' || verb === 'closeSandbox' ? 0 : 1);
      await first.kill();
      await worker();
      const result = await handle.result();
      expect(result.verdict).toBe('passed');
      expect(result.attempts).toHaveLength(1);
      // A sandbox in which a step broke off is not trusted again.
      if (verb === 'executeCode' || verb === 'runTests')
        expect(left).not.toContain(result.attempts[0]?.sandboxId);
      expect(await openSandboxesOf(config, handle.jobId)).toEqual([]);
    }),
  );
});

/** Not expect.poll, which needs to know its test and cannot among concurrent ones. */
async function executing(handle: JobHandle): Promise<void> {
  const step = async () => (await handle.status()).step;
  await vi.waitFor(async () => assert.equal(await step(), 'execute'), { timeout: 20_000, interval: 100 });
}

describe.concurrent('a worker that is told to stop', () => {
  const sleeping = (seconds: number): JobSpec => ({
    language: 'python',
    code: `import time\ntime.sleep(${seconds})\nprint("slept")\n`,
  });

  test('lets the running step end, and then goes', () =>
    inPlace(async ({ assay, worker }) => {
      const only = await worker();
      const handle = await assay.jobs.start(sleeping(3));
      await executing(handle);
      only.signal('SIGTERM');
      expect(await only.exited).toBe(0);
      await worker();
      const result = await handle.result();
      expect(result.verdict).toBe('passed');
      // The step was not begun again.
      const executions = result.attempts[0]?.steps.filter(({ name }) => name === 'execute');
      expect(executions).toMatchObject([{ outcome: 'ok' }]);
    }));

  test('twice goes at once, and another one finishes the job', () =>
    inPlace(async ({ config, assay, worker }) => {
      const first = await worker();
      const handle = await assay.jobs.start(sleeping(8));
      await executing(handle);
      first.signal('SIGTERM');
      await first.line('assay worker: SIGTERM');
      first.signal('SIGTERM');
      expect(await first.exited).toBe(130);
      await worker();
      expect((await handle.result()).verdict).toBe('passed');
      expect(await openSandboxesOf(config, handle.jobId)).toEqual([]);
    }));
});
