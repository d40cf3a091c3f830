import { randomUUID } from 'node:crypto';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { Steps } from '../../src/activities/activities.ts';
import {
  Assay,
  ClientClosedError,
  InvalidSpecError,
  JobBrokenError,
  JobCancelledError,
  JobNotFoundError,
  MAX_FILE_BYTES,
  NamespaceNotFoundError,
  ResultUnreadableError,
  UnreachableServerError,
} from '../../src/client.ts';
import type { JobEvent, JobFilter, JobSpec } from '../../src/client.ts';
import { parseSpec, prepareJob } from '../../src/client/prepare-job.ts';
import { startOnce } from '../../src/client/start-once.ts';
import { TroubleError } from '../../src/domain/trouble-error.ts';
import { fromContent } from '../../src/store/content.ts';
import { execution, fault } from '../support/scripted-job.ts';
import { freePort } from '../support/temporal-server.ts';
import { connectTo, startStack } from '../support/stack.ts';
import type { Stack } from '../support/stack.ts';

const code = (text: string): JobSpec => ({ language: 'python', code: text });

/** Steps by the code's first word, in real sandboxes: what the client does with a job does not depend on what the code is. */
const steps: Steps = {
  validate: async () => ({ findings: [] }),
  execute: async (_, job, { store, signal }) => {
    const [word] = Buffer.from(await fromContent(job.code, store))
      .toString()
      .split(' ');
    if (word === 'sleep') await sleep(60_000, undefined, { signal });
    if (word === 'count') runs += 1;
    if (word === 'trouble') throw new TroubleError({ type: 'bad-key', message: 'no such key' });
    if (word === 'fail') return { execution, fault: fault('exception') };
    if (word === 'huge')
      return {
        execution: { ...execution, results: [{ main: true, data: { 'text/plain': 'x'.repeat(3_000_000) } }] },
      };
    return { execution };
  },
  runTests: () => Promise.reject(new Error('not asked for')),
  collect: () => Promise.reject(new Error('not asked for')),
};

/** How often code that begins with `count` was executed. */
let runs = 0;
let stack: Stack;
let assay: Assay;
beforeAll(async () => {
  stack = await startStack(steps);
  ({ assay } = stack);
});
afterAll(() => stack.stop());

async function thrownBy(work: () => Promise<unknown>): Promise<unknown> {
  return await work().then(
    () => expect.unreachable('nothing was thrown'),
    (error: unknown) => error,
  );
}

describe('a job', () => {
  test('runs to its result', async () => {
    const result = await assay.jobs.run({ ...code('pass'), labels: { team: 'search' } });
    expect(result).toMatchObject({ verdict: 'passed', labels: { team: 'search' }, usage: { codeChars: 4 } });
  });

  test('is the same job for the same key, running or over', async () => {
    const key = randomUUID();
    const first = await assay.jobs.start({ ...code('pass'), key });
    const second = await assay.jobs.start({ ...code('fail'), key });
    expect([first.jobId, first.started, second.jobId, second.started]).toEqual([
      `job-${key}`,
      true,
      `job-${key}`,
      false,
    ]);
    expect(await second.result()).toEqual(await first.result());
    const third = await assay.jobs.start({ ...code('fail'), key });
    expect((await third.result()).verdict).toBe('passed');
  });

  test('has a result of several megabytes, and code of as many', async () => {
    const result = await assay.jobs.run(code(`huge ${'x'.repeat(3_000_000)}`));
    expect(result.execution?.results[0]?.data['text/plain']).toHaveLength(3_000_000);
    expect(result.usage.codeChars).toBe(3_000_005);
  });

  test('tells its steps as they go', async () => {
    const events: JobEvent[] = [];
    for await (const event of (await assay.jobs.start(code('pass'))).watch()) events.push(event);
    const told = events.map((event) =>
      event.type === 'done' ? `done ${event.result.verdict}` : `${event.step} ${event.type}`,
    );
    expect(told).toEqual([
      ...['validate', 'open', 'execute', 'close'].flatMap((step) => [
        `${step} step-started`,
        `${step} step-ended`,
      ]),
      'done passed',
    ]);
  });

  test('can be watched by one who comes late', async () => {
    const { jobId } = await assay.jobs.run(code('fail'));
    const events: JobEvent[] = [];
    for await (const event of assay.jobs.get(jobId).watch()) events.push(event);
    expect(events).toHaveLength(9);
    expect(events.at(-1)).toMatchObject({ type: 'done', result: { verdict: 'failed' } });
  });

  test('says what it is doing, and what it came to', async () => {
    const running = await assay.jobs.start(code('sleep'));
    await expect.poll(async () => (await running.status()).step, { timeout: 10_000 }).toBe('execute');
    expect(await running.status()).toMatchObject({
      state: 'running',
      attempt: 1,
      sandboxId: expect.any(String),
    });
    await running.cancel();
    expect(await thrownBy(() => running.result())).toBeInstanceOf(JobCancelledError);
    expect(await running.status()).toMatchObject({ state: 'cancelled' });
    const over = await assay.jobs.start(code('fail'));
    await over.result();
    expect(await over.status()).toMatchObject({ state: 'done', verdict: 'failed', step: 'done' });
  });

  test('that ended in error runs anew under its key, once, however many ask for it', async () => {
    const key = randomUUID();
    const first = await assay.jobs.run({ ...code('trouble'), key });
    expect(first).toMatchObject({ verdict: 'error', diagnosis: { category: 'auth' } });
    const again = { ...code('count'), key };
    const handles = await Promise.all(Array.from({ length: 8 }, () => assay.jobs.start(again)));
    const results = await Promise.all(handles.map((handle) => handle.result()));
    expect(new Set(results.map(({ verdict, startedAt }) => `${verdict} ${startedAt}`)).size).toBe(1);
    expect(results[0]?.verdict).toBe('passed');
    expect((await assay.jobs.start(again)).started).toBe(false);
    expect(runs).toBe(1);
  });

  test('that ended in error runs anew once, even where one who asks for it is late', async () => {
    const key = randomUUID();
    await assay.jobs.run({ ...code('trouble'), key });
    const itIsDescribed = Promise.withResolvers<void>();
    const itIsOver = Promise.withResolvers<void>();
    const slow = new Client({
      ...assay.temporal.options,
      interceptors: {
        workflow: [
          {
            describe: async (input, next) => {
              const described = await next(input);
              itIsDescribed.resolve();
              await itIsOver.promise;
              return described;
            },
          },
        ],
      },
    });
    const spec = { ...code('pass'), key };
    const input = await prepareJob(parseSpec(spec), assay.store, { jobId: `job-${key}`, indexed: true });
    const options = { workflowId: input.jobId, taskQueue: stack.config.taskQueue, args: [input] };
    const late = startOnce(slow, options);
    await itIsDescribed.promise;
    const quick = await startOnce(assay.temporal, options);
    expect((await assay.jobs.get(input.jobId).result()).verdict).toBe('passed');
    itIsOver.resolve();
    expect(await late).toBe(quick);
    expect(await startOnce(assay.temporal, options)).toBeUndefined();
  });

  test('that was cancelled may be started again under its key', async () => {
    const key = randomUUID();
    const first = await assay.jobs.start({ ...code('sleep'), key });
    await first.cancel();
    await thrownBy(() => first.result());
    const second = await assay.jobs.start({ ...code('pass'), key });
    expect(second.started).toBe(true);
    expect((await second.result()).verdict).toBe('passed');
  });

  test('that is over may be cancelled, which changes nothing', async () => {
    const handle = await assay.jobs.start(code('pass'));
    await handle.result();
    await handle.cancel();
    expect((await handle.result()).verdict).toBe('passed');
  });

  test('that was terminated from outside is broken', async () => {
    const handle = await assay.jobs.start(code('sleep'));
    await assay.temporal.workflow.getHandle(handle.jobId).terminate();
    expect(await thrownBy(() => handle.result())).toBeInstanceOf(JobBrokenError);
    expect(await handle.status()).toMatchObject({ state: 'broken' });
  });

  test('whose stored result is gone says so', async () => {
    const { jobId } = await assay.jobs.run(code('huge'));
    await rm(stack.config.storeUrl, { recursive: true });
    const error = await thrownBy(() => assay.jobs.get(jobId).result());
    expect(error).toBeInstanceOf(ResultUnreadableError);
  });

  test('that does not exist is not found', async () => {
    const handle = assay.jobs.get('job-nowhere');
    for (const ask of [() => handle.result(), () => handle.status(), () => handle.cancel()])
      expect(await thrownBy(ask)).toBeInstanceOf(JobNotFoundError);
  });
});

describe('a list', () => {
  test('is filtered by verdict, failure, state and time, newest first', async () => {
    const since = new Date();
    const { jobId: passed } = await assay.jobs.run(code('pass'));
    const { jobId: failed } = await assay.jobs.run(code('fail'));
    const list = async (filter: JobFilter) => {
      const found: string[] = [];
      // Other files of tests run jobs on the same server at the same time.
      for await (const { jobId, verdict, failure } of assay.jobs.list({ since, ...filter }))
        if (jobId === passed || jobId === failed) found.push(`${verdict} ${failure}`);
      return found;
    };
    await expect.poll(() => list({}), { timeout: 10_000 }).toEqual(['failed exception', 'passed undefined']);
    expect(await list({ verdict: 'passed' })).toEqual(['passed undefined']);
    expect(await list({ failure: 'exception' })).toEqual(['failed exception']);
    expect(await list({ state: 'running' })).toEqual([]);
    let listed = 0;
    for await (const _ of assay.jobs.list({ since, limit: 1 })) listed += 1;
    expect(listed).toBe(1);
    expect(await list({ language: 'bash' })).toEqual([]);
    expect(await list({ template: "o'clock" })).toEqual([]);
  });
});

describe('a bad spec', () => {
  test.each([
    [{ code: 'x' }, 'language: '],
    [{ language: 'cobol', code: 'x' }, 'language: must be one of'],
    [{ language: 'python' }, 'code: is missing'],
    [{ ...code('x'), nonsense: 1 }, 'nonsense: there is no such field'],
    [
      { ...code('x'), files: [{ path: '../x', content: '' }] },
      'files[0].path: must not leave the working folder',
    ],
    [{ ...code('x'), files: [{ path: 'x', content: '', base64: '' }] }, 'files[0]: give exactly one'],
    [{ ...code('x'), files: [{ path: 'x', from: 'nowhere' }] }, 'files[0].from: must be a reference'],
    [
      { ...code('x'), files: [{ path: 'x', from: `blob:sha256:${'0'.repeat(64)}` }] },
      'files[0].from: is not in the store',
    ],
    [{ ...code('x'), limits: { timeoutMs: -1 } }, 'limits.timeoutMs: must be at least'],
    [{ ...code('x'), tests: { kind: 'pytest', code: ' ' } }, 'tests.code: the tests must not be empty'],
    [{ ...code('x'), tests: { kind: 'node', code: 'x' } }, 'tests.kind: tests of kind node'],
  ])('%j is refused with the path of its fault', async (spec, message) => {
    const error = await thrownBy(() => assay.jobs.start(spec as JobSpec));
    expect(error).toBeInstanceOf(InvalidSpecError);
    expect((error as InvalidSpecError).message).toContain(message);
    expect(error).toMatchObject({ code: 'invalid-spec' });
  });
});

describe('a file', () => {
  test('is streamed into the store and given by reference', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'assay-test-files-'));
    const path = join(folder, 'data.bin');
    await writeFile(path, Buffer.alloc(5_000_000, 7));
    const { ref, bytes } = await assay.putFile(path);
    expect(bytes).toBe(5_000_000);
    const result = await assay.jobs.run({ ...code('pass'), files: [{ path: 'data.bin', from: ref }] });
    expect(result.verdict).toBe('passed');
    await rm(folder, { recursive: true });
  });

  test('of a gigabyte is refused before a byte of it is read', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'assay-test-files-'));
    const path = join(folder, 'large.bin');
    const file = await open(path, 'w');
    await file.truncate(1024 ** 3);
    await file.close();
    const error = await thrownBy(() => assay.putFile(path));
    expect(error).toBeInstanceOf(InvalidSpecError);
    expect((error as Error).message).toContain(`at most ${MAX_FILE_BYTES / 1024 / 1024} MiB`);
    await rm(folder, { recursive: true });
  });
});

describe('a server', () => {
  test('that does not answer is named, with the way out', async () => {
    const address = `127.0.0.1:${await freePort()}`;
    const error = await thrownBy(() => Assay.connect({ address, connectTimeoutMs: 500 }));
    expect(error).toBeInstanceOf(UnreachableServerError);
    expect((error as Error).message).toContain(address);
    expect((error as Error).message).toContain('assay dev');
  });

  test('that takes connections and says nothing is not waited for', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const address = `127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const error = await thrownBy(() => Assay.connect({ address, connectTimeoutMs: 500 }));
    expect(error).toBeInstanceOf(UnreachableServerError);
    silent.close();
  });

  test('without the namespace says so', async () => {
    const error = await thrownBy(() =>
      Assay.connect({ address: inject('temporalAddress'), namespace: 'nowhere' }),
    );
    expect(error).toBeInstanceOf(NamespaceNotFoundError);
  });
});

describe('a client that is closed', () => {
  test('ends what is waited for with one error, and lets the job go on', async () => {
    const client = await connectTo(stack.config);
    const handle = await client.jobs.start(code('sleep'));
    const seen: string[] = [];
    const watching = (async () => {
      for await (const event of handle.watch()) seen.push(event.type);
    })();
    const waiting = [handle.result(), watching];
    await expect.poll(() => seen.length).toBeGreaterThan(0);
    const outcomes = Promise.allSettled(waiting);
    await client.close();
    for (const outcome of await outcomes)
      expect(outcome).toMatchObject({ reason: { name: 'ClientClosedError', code: 'client-closed' } });
    for (const late of [() => handle.status(), () => handle.cancel(), () => client.jobs.start(code('pass'))])
      expect(await thrownBy(late)).toBeInstanceOf(ClientClosedError);
    expect(await thrownBy(() => client.jobs.list().next())).toBeInstanceOf(ClientClosedError);
    expect((await assay.jobs.get(handle.jobId).status()).state).toBe('running');
    await assay.jobs.get(handle.jobId).cancel();
  });

  test('does so at once while the server is away too, and tries nothing after', async () => {
    const [host = '', port] = inject('temporalAddress').split(':');
    const sockets = new Set<Socket>();
    const line = createServer((near) => {
      const far = connect(Number(port), host);
      for (const socket of [near, far]) sockets.add(socket.on('error', () => undefined));
      near.pipe(far).pipe(near);
    }).listen(0, '127.0.0.1');
    await once(line, 'listening');
    const address = `127.0.0.1:${(line.address() as AddressInfo).port}`;
    const client = await Assay.connect({
      ...stack.config.temporal,
      address,
      storeUrl: stack.config.storeUrl,
    });
    const waiting = thrownBy(() => client.jobs.get('job-nobody-knows').result());
    line.close();
    for (const socket of sockets) socket.destroy();
    const late = thrownBy(() => client.jobs.get('job-nobody-knows').status());
    await sleep(300);
    await client.close();
    expect(await late).toBeInstanceOf(ClientClosedError);
    expect(await waiting).toBeInstanceOf(Error);
    // A retry that was due by now would end the test run with an error that nobody can catch.
    await sleep(3_000);
  });
});
