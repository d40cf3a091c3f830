import { CancelledFailure, WorkflowFailedError } from '@temporalio/client';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { OpenSandboxInput } from '../../src/activities/contract.ts';
import type { JobStatus } from '../../src/domain/job-result.ts';
import { JobResult } from '../../src/domain/job-result.ts';
import { TROUBLES } from '../../src/domain/trouble.ts';
import {
  execution,
  fault,
  runScripted,
  tests,
  trouble,
  untilCancelled,
  withScriptedJob,
} from '../support/scripted-job.ts';

const pytest = { kind: 'pytest', code: 'test' } as const;

describe('a job that the world does not disturb', () => {
  test('runs its tests in one sandbox and passes', async () => {
    const { result, calls } = await runScripted({ tests: pytest, artifacts: ['out/*'] });
    expect(result.verdict).toBe('passed');
    expect(result.diagnosis).toBeUndefined();
    expect(calls).toEqual([
      'validate',
      'open 1',
      'execute sandbox-1',
      'test sandbox-1',
      'collect sandbox-1',
      'close sandbox-1',
    ]);
    expect(result.attempts).toMatchObject([
      { number: 1, sandboxId: 'sandbox-1', verdict: 'passed', ended: '1 of 1 tests passed' },
    ]);
    expect(result.attempts[0]?.steps.map(({ name }) => name)).toEqual([
      'validate',
      'open',
      'execute',
      'test',
      'collect',
      'close',
    ]);
    expect(JobResult.parse(result)).toEqual(JSON.parse(JSON.stringify(result)));
  });

  test('does not run by itself what its tests give an input', async () => {
    const io = { kind: 'io' as const, cases: [{ stdout: 'x' }] };
    const { calls } = await runScripted({ tests: io });
    expect(calls).toEqual(['validate', 'open 1', 'test sandbox-1', 'close sandbox-1']);
  });

  test('executes the code where there are no tests, and collects nothing where nothing is asked for', async () => {
    const { result, calls } = await runScripted({});
    expect(result.verdict).toBe('passed');
    expect(calls).toEqual(['validate', 'open 1', 'execute sandbox-1', 'close sandbox-1']);
  });

  test.each([
    ['rejected', 'policy', 'rejected'],
    ['failed', 'syntax', 'failed'],
  ] as const)(
    'opens no sandbox for code that is %s by the validator',
    async (verdict, category, expected) => {
      const { result, calls } = await runScripted(
        {},
        { validateCode: () => ({ findings: [], verdict, fault: fault(category) }) },
      );
      expect(calls).toEqual(['validate']);
      expect(result).toMatchObject({ verdict: expected, diagnosis: { category }, usage: { sandboxMs: 0 } });
      expect(result.attempts[0]?.sandboxId).toBeUndefined();
    },
  );
});

describe('attempts of the code', () => {
  const retry = { maxAttempts: 3, initialIntervalMs: 1, maximumIntervalMs: 1 };

  test('a time-out is tried again in a fresh sandbox until it passes', async () => {
    const { result, calls } = await runScripted(
      { retry },
      { executeCode: (_, count) => (count < 3 ? { execution, fault: fault('timeout') } : undefined) },
    );
    expect(result.verdict).toBe('passed');
    expect(result.attempts.map(({ verdict }) => verdict)).toEqual(['failed', 'failed', 'passed']);
    expect(result.attempts.map(({ sandboxId }) => sandboxId)).toEqual([
      'sandbox-1',
      'sandbox-2',
      'sandbox-3',
    ]);
    expect(calls.filter((call) => call === 'validate')).toHaveLength(1);
  });

  test('memory that is never enough fails after the last attempt', async () => {
    const { result } = await runScripted(
      { retry: { ...retry, maxAttempts: 2 } },
      { executeCode: () => ({ execution, fault: fault('memory') }) },
    );
    expect(result).toMatchObject({ verdict: 'failed', diagnosis: { category: 'memory', retryHelps: true } });
    expect(result.attempts).toHaveLength(2);
  });

  test.each(['assertion', 'exception', 'forged', 'coverage'] as const)(
    '%s is never tried again',
    async (category) => {
      const { result } = await runScripted(
        { retry, tests: pytest },
        { runTests: () => ({ tests, fault: fault(category) }) },
      );
      expect(result).toMatchObject({ verdict: 'failed', diagnosis: { category, retryHelps: false } });
      expect(result.attempts).toHaveLength(1);
    },
  );
});

describe('trouble of the world', () => {
  test('a sandbox lost in a step is replaced, the steps begin again, and it is no attempt of the code', async () => {
    const { result, calls } = await runScripted(
      { tests: pytest, artifacts: ['a'] },
      {
        runTests: (_, count) => {
          if (count === 1) throw trouble('sandbox-lost');
        },
        collectArtifacts: (_, count) => {
          if (count === 1) throw trouble('sandbox-lost');
        },
      },
    );
    expect(result.verdict).toBe('passed');
    expect(result.attempts).toHaveLength(1);
    expect(calls).toEqual([
      ...['validate', 'open 1', 'execute sandbox-1', 'test sandbox-1', 'close sandbox-1'],
      ...['open 2', 'execute sandbox-2', 'test sandbox-2', 'collect sandbox-2', 'close sandbox-2'],
      ...['open 3', 'execute sandbox-3', 'test sandbox-3', 'collect sandbox-3', 'close sandbox-3'],
    ]);
    expect(
      result.attempts[0]?.steps.filter(({ outcome }) => outcome === 'error').map(({ name }) => name),
    ).toEqual(['test', 'collect']);
  });

  test('sandboxes that are lost each time end in an error, never in a failure of the code', async () => {
    const { result, calls } = await runScripted(
      { tests: pytest },
      {
        runTests: () => {
          throw trouble('sandbox-lost', 'the sandbox was not found');
        },
      },
    );
    expect(result).toMatchObject({
      verdict: 'error',
      diagnosis: { category: 'sandbox-lost', evidence: 'the sandbox was not found', retryHelps: true },
    });
    expect(calls.filter((call) => call.startsWith('open'))).toHaveLength(
      TROUBLES['sandbox-lost'].maximumTries,
    );
    expect(calls.filter((call) => call.startsWith('close'))).toHaveLength(
      TROUBLES['sandbox-lost'].maximumTries,
    );
  });

  test.each([
    ['bad-key', 'auth'],
    ['unknown-template', 'template'],
  ] as const)('%s ends the job at once, as an error, with nothing to close', async (type, category) => {
    const { result, calls } = await runScripted(
      {},
      {
        openSandbox: () => {
          throw trouble(type);
        },
      },
    );
    expect(result).toMatchObject({ verdict: 'error', diagnosis: { category, retryHelps: false } });
    expect(calls).toEqual(['validate', 'open 1']);
  });

  test('a sandbox that cannot be had at once is waited for', async () => {
    const { result, calls } = await runScripted(
      {},
      {
        openSandbox: ({ adopt }: OpenSandboxInput, count) => {
          expect(adopt).toBe(count > 1);
          if (count === 1) throw trouble('service-unreachable');
        },
      },
    );
    expect(result).toMatchObject({ verdict: 'passed', attempts: [{ number: 1 }] });
    expect(calls).toEqual(['validate', 'open 1', 'open 1', 'execute sandbox-1', 'close sandbox-1']);
  });

  test('an opening that failed half-way is followed by a sweep of its tags', async () => {
    const { result, calls } = await runScripted(
      {},
      {
        openSandbox: () => {
          throw trouble('transport-timeout');
        },
      },
    );
    expect(result).toMatchObject({ verdict: 'error', diagnosis: { category: 'sandbox-start' } });
    expect(calls).toEqual(['validate', 'open 1', 'open 1', 'close by tag']);
  });

  test('what the code did is not hidden by trouble after it', async () => {
    const { result } = await runScripted(
      { artifacts: ['a'] },
      {
        executeCode: () => ({ execution, fault: fault('exception') }),
        collectArtifacts: () => {
          throw trouble('sandbox-lost');
        },
      },
    );
    expect(result).toMatchObject({ verdict: 'failed', diagnosis: { category: 'exception' } });
  });

  test('code that failed by itself is not tested any more', async () => {
    const { result, calls } = await runScripted(
      { tests: pytest },
      { executeCode: () => ({ execution, fault: fault('exception') }) },
    );
    expect(result).toMatchObject({ verdict: 'failed', diagnosis: { category: 'exception' } });
    expect(calls).not.toContain('test sandbox-1');
  });

  test('a failed attempt is not hidden by an error in the next one', async () => {
    const { result } = await runScripted(
      { retry: { initialIntervalMs: 1, maximumIntervalMs: 1 } },
      {
        executeCode: () => ({ execution, fault: fault('timeout') }),
        openSandbox: (_, count) => {
          if (count > 1) throw trouble('bad-key');
        },
      },
    );
    expect(result.attempts.map(({ verdict }) => verdict)).toEqual(['failed', 'error']);
    expect(result).toMatchObject({ verdict: 'failed', diagnosis: { category: 'timeout' }, execution: {} });
  });

  test('with no patience the first trouble is the last', async () => {
    const { result, calls } = await runScripted(
      { retry: { worldTimeoutMs: 0 } },
      {
        executeCode: () => {
          throw trouble('sandbox-lost');
        },
      },
    );
    expect(result.verdict).toBe('error');
    expect(calls).toEqual(['validate', 'open 1', 'execute sandbox-1', 'close sandbox-1']);
  });

  test('a sandbox that cannot be closed does not change the verdict', async () => {
    const { result } = await runScripted(
      {},
      {
        closeSandbox: () => {
          throw trouble('service-unreachable');
        },
      },
    );
    expect(result.verdict).toBe('passed');
    expect(result.attempts[0]?.steps.at(-1)).toMatchObject({ name: 'close', outcome: 'error' });
  });
});

describe('a cancelled job', () => {
  test('closes its sandbox and ends as cancelled', async () => {
    await withScriptedJob({}, { executeCode: untilCancelled }, async ({ handle, calls, result }) => {
      const ended = result();
      ended.catch(() => undefined);
      await expect.poll(() => calls.at(-1), { timeout: 5_000 }).toBe('execute sandbox-1');
      await handle.cancel();
      const error = await ended.catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(WorkflowFailedError);
      expect((error as WorkflowFailedError).cause).toBeInstanceOf(CancelledFailure);
      expect(calls).toEqual(['validate', 'open 1', 'execute sandbox-1', 'close sandbox-1']);
    });
  });

  test('does not take for trouble that closing its sandbox ends the work in it', async () => {
    let closed = false;
    const script = {
      executeCode: async () => {
        while (!closed) await sleep(10);
        throw trouble('sandbox-lost');
      },
      closeSandbox: async () => {
        closed = true;
        // The server is told of the failed work before the workflow's end, which it therefore refuses once.
        await sleep(300);
      },
    };
    await withScriptedJob({}, script, async ({ handle, calls, result }) => {
      const ended = result();
      ended.catch(() => undefined);
      await expect.poll(() => calls.at(-1), { timeout: 5_000 }).toBe('execute sandbox-1');
      await handle.cancel();
      await expect(ended).rejects.toThrow();
      const { steps } = await handle.query<JobStatus>('status');
      expect(steps.map(({ name }) => name)).toEqual(['validate', 'open', 'execute', 'close']);
    });
  });

  const openLater = (_: unknown, count: number) => {
    if (count === 1) throw trouble('service-unreachable');
    return untilCancelled();
  };

  test('in the middle of an opening closes what was opened, by its tags', async () => {
    await withScriptedJob({}, { openSandbox: openLater }, async ({ handle, calls, result }) => {
      const ended = result();
      ended.catch(() => undefined);
      await expect.poll(() => calls.filter((call) => call === 'open 1').length, { timeout: 5_000 }).toBe(2);
      await handle.cancel();
      await expect(ended).rejects.toThrow();
      expect(calls).toEqual(['validate', 'open 1', 'open 1', 'close by tag']);
    });
  });

  test('in the wait between two attempts ends without another one', async () => {
    const script = { executeCode: () => ({ execution, fault: fault('timeout') }) };
    const retry = { initialIntervalMs: 3_600_000, maximumIntervalMs: 3_600_000 };
    await withScriptedJob({ retry }, script, async ({ handle, calls, result }) => {
      const ended = result();
      ended.catch(() => undefined);
      await expect.poll(() => calls.at(-1), { timeout: 5_000 }).toBe('close sandbox-1');
      await sleep(100);
      await handle.cancel();
      await expect(ended).rejects.toThrow();
      expect(calls.filter((call) => call.startsWith('open'))).toHaveLength(1);
    });
  });
});

describe('what can be seen of a running job', () => {
  test('its status and its page in the Web UI name the step', async () => {
    await withScriptedJob({ tests: pytest }, { runTests: untilCancelled }, async ({ handle, calls }) => {
      await expect.poll(() => calls.at(-1), { timeout: 5_000 }).toBe('test sandbox-1');
      const status = await handle.query<JobStatus>('status');
      expect(status).toMatchObject({ state: 'running', attempt: 1, step: 'test', sandboxId: 'sandbox-1' });
      expect(status.steps.map(({ name, outcome }) => `${name} ${outcome}`)).toEqual([
        'validate ok',
        'open ok',
        'execute ok',
      ]);
      const metadata = await handle.query<{ currentDetails?: string }>('__temporal_workflow_metadata');
      expect(metadata.currentDetails).toContain('attempt 1, test');
      const { events } = await handle.fetchHistory();
      const summaries = events?.flatMap(({ userMetadata }) =>
        userMetadata?.summary?.data ? [Buffer.from(userMetadata.summary.data).toString()] : [],
      );
      expect(summaries).toContain('"Run the tests (pytest)"');
      expect(summaries).toContain('"Open a sandbox of the template default"');
    });
  });
});
