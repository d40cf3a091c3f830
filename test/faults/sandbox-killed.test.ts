import { Sandbox } from '@e2b/code-interpreter';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { JobSpec } from '../../src/client.ts';
import * as steps from '../../src/steps/index.ts';
import { startTestSandboxServer } from '../support/sandbox-server.ts';
import { openSandboxesOf } from '../support/open-sandboxes.ts';
import { startStack } from '../support/stack.ts';
import type { Stack } from '../support/stack.ts';
import { startTestTemporalServer } from '../support/temporal-server.ts';

const sleeping = (seconds: number) => ({
  language: 'python' as const,
  code: `import time\ntime.sleep(${seconds})\nprint("slept")\n`,
});

async function sandboxIn(stack: Stack, jobId: string, step: string): Promise<string> {
  const handle = stack.assay.jobs.get(jobId);
  let sandboxId: string | undefined;
  await expect
    .poll(
      async () => {
        const status = await handle.status();
        ({ sandboxId } = status);
        return status.step;
      },
      { timeout: 20_000 },
    )
    .toBe(step);
  return sandboxId as string;
}

describe('on the servers of the run', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack();
  });
  afterAll(() => stack.stop());

  test('a sandbox killed in the middle of a step is replaced, and the job gets its verdict', async () => {
    const handle = await stack.assay.jobs.start(sleeping(4));
    const sandboxId = await sandboxIn(stack, handle.jobId, 'execute');
    await sleep(500);
    await Sandbox.kill(sandboxId, stack.config.sandbox);
    const result = await handle.result();
    expect(result).toMatchObject({ verdict: 'passed', attempts: [{ number: 1 }] });
    expect(result.attempts[0]?.sandboxId).not.toBe(sandboxId);
    expect(result.attempts[0]?.steps.map(({ name, outcome }) => `${name} ${outcome}`)).toContain(
      'execute error',
    );
    expect(await openSandboxesOf(stack.config, handle.jobId)).toEqual([]);
  });

  const slow: Record<string, JobSpec> = {
    open: sleeping(60),
    execute: sleeping(60),
    test: {
      language: 'python',
      code: 'x = 1\n',
      tests: { kind: 'pytest', code: 'import time\n\n\ndef test_slow():\n    time.sleep(60)\n' },
      limits: { timeoutMs: 90_000 },
    },
    collect: {
      language: 'python',
      code: 'for i in range(1000):\n    open(f"{i}.txt", "w").write(str(i))\n',
      artifacts: ['*.txt'],
    },
  };
  test.each(Object.keys(slow))(
    'a job cancelled in the step %s has no sandbox five seconds later',
    async (step) => {
      const handle = await stack.assay.jobs.start(slow[step] as JobSpec);
      if (step !== 'open') await sandboxIn(stack, handle.jobId, step);
      await handle.cancel();
      await expect.poll(() => openSandboxesOf(stack.config, handle.jobId), { timeout: 5_000 }).toEqual([]);
      await expect(handle.result()).rejects.toMatchObject({ code: 'job-cancelled' });
      expect(await openSandboxesOf(stack.config, handle.jobId)).toEqual([]);
    },
  );
});

test('a job cancelled in the step validate ends as cancelled, and opens no sandbox', async () => {
  const validating = Promise.withResolvers<void>();
  const stack = await startStack({
    ...steps,
    validate: async (job, context) => {
      validating.resolve();
      await sleep(1_500);
      return await steps.validate(job, context);
    },
    execute: () => Promise.reject(new Error('nothing was to be executed')),
  });
  try {
    const handle = await stack.assay.jobs.start(sleeping(0));
    await validating.promise;
    await handle.cancel();
    await expect(handle.result()).rejects.toMatchObject({ code: 'job-cancelled' });
    expect(await openSandboxesOf(stack.config, handle.jobId)).toEqual([]);
  } finally {
    await stack.stop();
  }
});

describe('on a sandbox server of its own', () => {
  test('that is killed and comes back, the job goes on in a fresh sandbox', async () => {
    const server = await startTestSandboxServer();
    const port = Number(new URL(server.url).port);
    const stack = await startStack(undefined, { sandboxUrl: server.url, sandboxApiKey: server.apiKey });
    const handle = await stack.assay.jobs.start(sleeping(4));
    await sandboxIn(stack, handle.jobId, 'execute');
    await server.kill();
    await sleep(1_000);
    const again = await startTestSandboxServer({ port, apiKey: server.apiKey });
    try {
      expect(await handle.result()).toMatchObject({ verdict: 'passed', attempts: [{ number: 1 }] });
      expect(await openSandboxesOf(stack.config, handle.jobId)).toEqual([]);
    } finally {
      await stack.stop();
      await again.stop();
    }
  });

  test('that stays away, the job ends in an error of the world', async () => {
    const server = await startTestSandboxServer();
    const stack = await startStack(undefined, { sandboxUrl: server.url, sandboxApiKey: server.apiKey });
    await server.kill();
    try {
      const result = await stack.assay.jobs.run({ ...sleeping(0), retry: { worldTimeoutMs: 1_500 } });
      expect(result).toMatchObject({
        verdict: 'error',
        diagnosis: { category: 'sandbox-start', retryHelps: true },
      });
      expect(result.diagnosis?.evidence).toContain('ECONNREFUSED');
    } finally {
      await stack.stop();
    }
  });

  test('whose key is wrong, the job ends in an error about the key', async () => {
    const stack = await startStack(undefined, { sandboxApiKey: 'e2b_0000' });
    try {
      const result = await stack.assay.jobs.run(sleeping(0));
      expect(result).toMatchObject({ verdict: 'error', diagnosis: { category: 'auth', retryHelps: false } });
    } finally {
      await stack.stop();
    }
  });

  test('that does not know the template, the job ends in an error about the template', async () => {
    const stack = await startStack(undefined, { sandboxUrl: inject('sandboxUrl') });
    try {
      const result = await stack.assay.jobs.run({ ...sleeping(0), template: 'no-such-template' });
      expect(result).toMatchObject({
        verdict: 'error',
        diagnosis: { category: 'template', retryHelps: false },
      });
    } finally {
      await stack.stop();
    }
  });
});

describe("Temporal's server", () => {
  test('killed in the middle of a job comes back with its state, and the job gets its verdict', async () => {
    const temporal = await startTestTemporalServer();
    const stack = await startStack(undefined, { temporalAddress: temporal.address });
    try {
      const handle = await stack.assay.jobs.start(sleeping(5));
      await sandboxIn(stack, handle.jobId, 'execute');
      const result = handle.result();
      await temporal.kill();
      await sleep(1_000);
      await temporal.restart();
      expect(await result).toMatchObject({ verdict: 'passed', attempts: [{ number: 1 }] });
      expect(await openSandboxesOf(stack.config, handle.jobId)).toEqual([]);
    } finally {
      await stack.stop();
      await temporal.stop();
    }
  });
});
