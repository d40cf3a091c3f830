import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { existsSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { signature } from '../../src/activities/schedule/webhook.ts';
import { InvalidSpecError, ScheduleExistsError, ScheduleNotFoundError } from '../../src/client.ts';
import type { Assay, BatchHandle, ScheduleHandle, ScheduleRun } from '../../src/client.ts';
import type { Config } from '../../src/config.ts';
import { openStore } from '../../src/store/open-store.ts';
import { startWorker } from '../../src/worker.ts';
import type { RunningWorker } from '../../src/worker.ts';
import { createLogger } from '../../src/worker/logger.ts';
import { openSandboxesOf } from '../support/open-sandboxes.ts';
import { connectTo, testConfig } from '../support/stack.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
let assay: Assay;
let worker: RunningWorker;
let config: Config;
let storeUrl: string;
beforeAll(async () => {
  config = { ...(await testConfig()), webhookSecret: SECRET };
  storeUrl = config.storeUrl;
  worker = await startWorker(config, { logger: createLogger('fatal') });
  assay = await connectTo(config);
});
afterAll(async () => {
  await assay.close();
  await worker.stop();
  await rm(storeUrl, { recursive: true, force: true });
});

const ADD = { language: 'python', tests: { kind: 'script', code: 'assert add(1, 2) == 3' } } as const;
const right = (id: string) => ({ id, ...ADD, code: 'def add(a, b): return a + b' });
const wrong = (id: string) => ({ id, ...ADD, code: 'def add(a, b): return a - b' });
const LONG = {
  ...{ id: 'long', language: 'python', artifacts: ['out.txt'] },
  code: "print('x' * 300_000)\nopen('out.txt', 'w').write('made')",
};
const SLOW = { id: 'slow', language: 'python', code: 'import time\ntime.sleep(20)' };
/** What the result of LONG names in the store. */
async function refsOf(batch: BatchHandle): Promise<string[]> {
  for await (const { id, execution, artifacts } of batch.results())
    if (id === 'long') {
      expect(execution?.stdout.ref?.bytes).toBe(300_001);
      return [execution!.stdout.ref!.ref, ...artifacts.map(({ ref }) => ref)];
    }
  throw new Error('there is no such item');
}
const nameOf = (what: string) => `${what}-${randomUUID().slice(0, 8)}`;

/** Triggers a run and waits until that many are there and over. */
async function ran(handle: ScheduleHandle, count: number): Promise<ScheduleRun[]> {
  await handle.trigger();
  return await vi.waitFor(
    async () => {
      const runs = await Array.fromAsync(handle.runs());
      expect(runs.length).toBe(count);
      expect(runs.filter(({ state }) => state === 'running')).toEqual([]);
      return runs;
    },
    { timeout: 60_000, interval: 200 },
  );
}

/** What batches have noted down in the store while they ran; a short one may never have. */
async function notedDown(): Promise<string[]> {
  const folder = join(storeUrl, 'named', 'batches');
  return existsSync(folder) ? await readdir(folder) : [];
}

/** What the store has noted of a run, for the runs after it. */
async function notesOf(batchId: string): Promise<unknown[]> {
  const folder = join(storeUrl, 'named', 'schedules');
  const names = await readdir(folder, { recursive: true });
  const own = names.filter((name) => name.endsWith(`${batchId}.json`));
  return await Promise.all(own.map(async (name) => JSON.parse(await readFile(join(folder, name), 'utf8'))));
}

/** Triggers a run of LONG and SLOW, and waits until the one's output is there and the other at work. */
async function atSlowItem(handle: ScheduleHandle): Promise<ScheduleRun> {
  await handle.trigger();
  return await vi.waitFor(
    async () => {
      const [run] = await Array.fromAsync(handle.runs());
      expect(await readdir(join(storeUrl, 'owned'))).toContain(run!.batchId);
      return run!;
    },
    { timeout: 30_000, interval: 200 },
  );
}

/** A receiver that answers 500 twice before it takes anything. */
async function receiver() {
  const heard: { headers: Record<string, string>; body: string }[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request
      .on('data', (data) => (body += data))
      .on('end', () => {
        heard.push({ headers: request.headers as Record<string, string>, body });
        response.writeHead(heard.length <= 2 ? 500 : 204).end();
      });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { heard, url, [Symbol.dispose]: () => void server.close() };
}

describe('a schedule', () => {
  test('compares each run with the last, tells of new failures once, and forgets old results', async () => {
    using hook = await receiver();
    const handle = await assay.schedules.create(
      nameOf('nightly'),
      { rows: [right('a'), right('b'), wrong('c'), LONG] },
      { cron: ['0 2 1 1 *'], notify: [hook.url], keepRuns: 2, batch: { concurrency: 1 } },
    );
    const store = openStore(storeUrl);
    const bySingle = await refsOf(await assay.batches.start({ rows: [LONG] }));
    const [first] = (await ran(handle, 1)) as [ScheduleRun];
    const byFirst = await refsOf(handle.batch(first));
    expect(first).toMatchObject({
      state: 'done',
      result: { newFailureCount: 1, notified: [/./].map(() => expect.stringContaining(hook.url)) },
    });
    expect(first.result).not.toHaveProperty('changes');
    await vi.waitFor(() => expect(hook.heard.length).toBe(3), { timeout: 30_000 });

    const [same] = (await ran(handle, 2)) as [ScheduleRun];
    expect(same.result).toMatchObject({
      comparedWith: first.batchId,
      changes: { newlyFailing: 0, newlyPassing: 0, added: 0, removed: 0 },
      counts: { cached: 0 },
      notified: [],
    });

    await assay.schedules.update(handle.schedule, {
      rows: [wrong('a'), right('b'), right('c'), wrong('d'), LONG],
    });
    const [changed] = (await ran(handle, 3)) as [ScheduleRun];
    expect(changed.result).toMatchObject({
      comparedWith: same.batchId,
      changes: { newlyFailing: 1, newlyPassing: 1, added: 1, removed: 0 },
      newFailureCount: 2,
    });
    await vi.waitFor(() => expect(hook.heard.length).toBe(4), { timeout: 30_000 });

    // All tries of one notice have one id, and each is signed.
    const ids = hook.heard.map(({ headers }) => headers['webhook-id']);
    expect(new Set(ids.slice(0, 3)).size).toBe(1);
    expect(ids[3]).not.toBe(ids[0]);
    for (const { headers, body } of hook.heard)
      expect(headers['webhook-signature']).toBe(
        signature(headers['webhook-id']!, headers['webhook-timestamp']!, body, SECRET),
      );
    expect(JSON.parse(hook.heard[3]!.body).run.newFailures.map(({ id }: { id: string }) => id)).toEqual([
      'a',
      'd',
    ]);

    // Each run is a batch like any other; the oldest one's results are gone, the last two are there.
    const idsOf = async (run: ScheduleRun) =>
      (await Array.fromAsync(handle.batch(run).results())).map(({ id }) => id);
    expect(await idsOf(changed)).toEqual(['a', 'b', 'c', 'd', 'long']);
    expect(await idsOf(same)).toEqual(['a', 'b', 'c', 'long']);
    await expect(idsOf(first)).rejects.toMatchObject({ code: 'not-found' });
    // So are its long output and its artifact, though the other runs and a single batch have the same.
    for (const ref of byFirst) await expect(store.get({ ref })).rejects.toMatchObject({ code: 'not-found' });
    for (const ref of [...bySingle, ...(await refsOf(handle.batch(same)))])
      expect((await store.get({ ref })).length).toBeGreaterThan(0);
    expect((await readdir(join(storeUrl, 'owned'))).toSorted()).toEqual(
      [same.batchId, changed.batchId].toSorted(),
    );
    // What a batch notes down while it runs is gone at its end.
    expect(await notedDown()).toEqual([]);
    await handle.delete();
    await expect(handle.status()).rejects.toThrow(ScheduleNotFoundError);
  });

  test('is paused, resumed, shown, listed and run for times in the past', async () => {
    const handle = await assay.schedules.create(
      nameOf('hourly'),
      { rows: [right('a')] },
      { every: '1h', paused: true, batch: { cache: true } },
    );
    expect(await handle.status()).toMatchObject({ paused: true, items: 1, nextRunsAt: [], began: 0 });
    await handle.resume('ready');
    const status = await handle.status();
    expect(status).toMatchObject({ paused: false, note: 'ready' });
    expect(status.nextRunsAt[0]!.getTime()).toBeGreaterThan(Date.now());
    await handle.pause();
    expect(await handle.status()).toMatchObject({ paused: true, note: 'no reason given' });
    await handle.pause('holidays');
    await vi.waitFor(
      async () =>
        expect(await Array.fromAsync(assay.schedules.list())).toContainEqual(
          expect.objectContaining({ name: handle.schedule, paused: true, note: 'holidays' }),
        ),
      { timeout: 20_000, interval: 200 },
    );
    const to = new Date('2026-11-20T02:30:00Z');
    await handle.backfill({ from: new Date('2026-11-20T00:30:00Z'), to });
    const runs = await vi.waitFor(
      async () => {
        const found = await Array.fromAsync(handle.runs());
        expect(found.map(({ state }) => state)).toEqual(['done', 'done']);
        return found;
      },
      { timeout: 60_000, interval: 200 },
    );
    expect(runs.map(({ batchId }) => batchId.slice(-21, -5))).toEqual([
      '20261120T020000Z',
      '20261120T010000Z',
    ]);
    await handle.delete();
  });

  test('a run that the next one cancels keeps what it has, and is no measure', async () => {
    const handle = await assay.schedules.create(
      nameOf('cancelled'),
      { rows: [right('a'), SLOW] },
      { every: '30d', overlap: 'cancel-other', batch: { concurrency: 1 } },
    );
    await handle.trigger();
    const running = await vi.waitFor(
      async () => {
        const [run] = await Array.fromAsync(handle.runs());
        expect((await handle.batch(run!).progress()).state).toBe('running');
        return run!;
      },
      { timeout: 30_000, interval: 200 },
    );
    await assay.schedules.update(handle.schedule, { rows: [right('a')] });
    const [next, cancelled] = (await ran(handle, 2)) as [ScheduleRun, ScheduleRun];
    expect(cancelled).toMatchObject({ batchId: running.batchId, state: 'cancelled' });
    expect(next).toMatchObject({ state: 'done', result: { total: 1 } });
    expect(next.result).not.toHaveProperty('comparedWith');
    await handle.delete();
  });

  test('forgets what a broken run has recorded, with runs that are older', async () => {
    const handle = await assay.schedules.create(
      nameOf('broken'),
      { rows: [LONG, SLOW] },
      { every: '30d', keepRuns: 1, batch: { concurrency: 1 } },
    );
    const broken = await atSlowItem(handle);
    const connection = await Connection.connect({ address: inject('temporalAddress') });
    try {
      await new Client({ connection }).workflow.getHandle(broken.batchId).terminate('the test says so');
    } finally {
      await connection.close();
    }
    // While the run is still at it, another one would be left out.
    await vi.waitFor(
      async () => expect((await Array.fromAsync(handle.runs()))[0]).toMatchObject({ state: 'broken' }),
      { timeout: 30_000, interval: 200 },
    );
    await assay.schedules.update(handle.schedule, { rows: [right('a')] });
    const [first, over] = (await ran(handle, 2)) as [ScheduleRun, ScheduleRun];
    expect(over).toMatchObject({ batchId: broken.batchId, state: 'broken' });
    expect(first.result).not.toHaveProperty('comparedWith');
    const left = async () => [...(await readdir(join(storeUrl, 'owned'))), ...(await notedDown())];
    expect(await left()).toContain(first.batchId);
    // The shard learns of it with its next heartbeat, puts down what it has, and the next run takes that away.
    await vi.waitFor(async () => expect(await openSandboxesOf(config, broken.batchId)).toEqual([]), {
      timeout: 30_000,
      interval: 200,
    });
    await ran(handle, 3);
    expect(await left()).not.toContain(broken.batchId);
    await handle.delete();
  });

  test('knows of a run that the next one has terminated', async () => {
    const handle = await assay.schedules.create(
      nameOf('terminated'),
      { rows: [LONG, SLOW] },
      { every: '30d', overlap: 'terminate-other', batch: { concurrency: 1 } },
    );
    const first = await atSlowItem(handle);
    await assay.schedules.update(handle.schedule, { rows: [right('a')] });
    const [next, over] = (await ran(handle, 2)) as [ScheduleRun, ScheduleRun];
    expect(over).toMatchObject({ batchId: first.batchId, state: 'broken' });
    // Its batch is told to stop, and publishes what it has.
    expect(await handle.batch(first).result()).toMatchObject({ state: 'cancelled' });
    const notes = await notesOf(first.batchId);
    expect(notes).toEqual([
      expect.objectContaining({ partial: true, publishedAt: expect.any(String), results: expect.anything() }),
    ]);
    expect(await notesOf(next.batchId)).toEqual([
      expect.not.objectContaining({ publishedAt: expect.any(String) }),
    ]);
    await handle.delete();
  });

  test('whose runs may overlap compares and forgets them all the same', async () => {
    const handle = await assay.schedules.create(
      nameOf('overlapping'),
      { rows: [right('a')] },
      { every: '30d', overlap: 'allow-all', keepRuns: 1, batch: { concurrency: 1 } },
    );
    const [first] = (await ran(handle, 1)) as [ScheduleRun];
    expect(first.result).not.toHaveProperty('comparedWith');
    await assay.schedules.update(handle.schedule, { rows: [wrong('a')] });
    const [second] = (await ran(handle, 2)) as [ScheduleRun];
    expect(second.result).toMatchObject({ comparedWith: first.batchId, changes: { newlyFailing: 1 } });
    expect(await Array.fromAsync(handle.batch(second).results())).toHaveLength(1);
    await expect(Array.fromAsync(handle.batch(first).results())).rejects.toMatchObject({ code: 'not-found' });
    await handle.delete();
  });

  test('is refused where it makes no sense', async () => {
    const rows = [right('a')];
    const name = nameOf('bad');
    const create = (options: object) => assay.schedules.create(name, { rows }, options);
    await expect(create({})).rejects.toThrow(InvalidSpecError);
    await expect(create({ cron: ['0 99 * * *'] })).rejects.toThrow('Hour is not in range');
    await expect(create({ every: '1h', timezone: 'Mars/Olympus' })).rejects.toThrow(InvalidSpecError);
    await expect(assay.schedules.create('a b', { rows }, { every: '1h' })).rejects.toThrow('name');
    await expect(assay.schedules.get(name).trigger()).rejects.toThrow(ScheduleNotFoundError);
    await expect(assay.schedules.update(name, { rows })).rejects.toThrow(ScheduleNotFoundError);
    const made = await create({ every: '1h' });
    await expect(create({ every: '1h' })).rejects.toThrow(ScheduleExistsError);
    await made.delete();
  });
});
