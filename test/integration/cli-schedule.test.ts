import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, inject, test } from 'vitest';
import { assay, tempFolder } from '../support/assay.ts';

let folder: string;
beforeEach(() => {
  folder = tempFolder();
  const code = 'def add(a, b): return a + b';
  const tests = { kind: 'script', code: 'assert add(1, 2) == 3' };
  writeFileSync(join(folder, 'items.jsonl'), JSON.stringify({ id: 'a', language: 'python', code, tests }));
});

const run = (...args: string[]) =>
  assay(['schedule', ...args, '--task-queue', 'nobody'], {
    cwd: folder,
    env: { TEMPORAL_ADDRESS: inject('temporalAddress'), ASSAY_STORE: join(folder, 'store') },
  });

describe('assay schedule', () => {
  test('makes, shows, lists, pauses, changes and deletes a schedule', async () => {
    const name = `cli-${Date.now()}`;
    const when = ['--cron', '0 2 * * *', '--timezone', 'Europe/Berlin', '--keep', '30,90d'];
    const made = await run(
      'create',
      name,
      '--batch',
      'items.jsonl',
      ...when,
      '--notify',
      'https://example.com/h',
      '--notify',
      'slack:env:ASSAY_SLACK_CI',
    );
    expect(made, made.stderr).toMatchObject({ code: 0 });
    expect(made.stdout).toContain(`${name}: 1 items, next run `);
    expect(made.stderr).toContain('the worker needs ASSAY_WEBHOOK_SECRET');
    expect(made.stderr).toContain('the worker needs ASSAY_SLACK_CI');
    const shown = JSON.parse((await run('show', name, '--json')).stdout);
    expect(shown).toMatchObject({
      ...{ name, paused: false, items: 1, keepRuns: 30, keepDays: 90, runs: [] },
      ...{ notify: ['https://example.com/h', 'slack:env:ASSAY_SLACK_CI'], notifyOn: ['any-new-failure'] },
    });
    expect(shown.nextRunsAt[0]).toMatch(/T0[01]:00:00/);
    const paused = await run('pause', name, '--note', 'holidays');
    expect(paused).toMatchObject({ code: 0, stdout: `${name}: 1 items, paused (holidays)\n` });
    expect((await run('show', name)).stdout).toContain('paused (holidays)');
    writeFileSync(join(folder, 'none.jsonl'), '');
    expect(await run('update', name, '--batch', 'none.jsonl')).toMatchObject({
      ...{ code: 64, stderr: 'assay: items: there are none\n' },
    });
    const items = ['a', 'b'].map((id) => JSON.stringify({ id, language: 'python', code: 'print(1)' }));
    writeFileSync(join(folder, 'two.jsonl'), items.join('\n'));
    expect((await run('update', name, '--batch', 'two.jsonl')).stdout).toBe(`${name}: 2 items\n`);
    expect((await run('delete', name)).code).toBe(0);
    const gone = await run('show', name);
    expect(gone).toMatchObject({ code: 64 });
    expect(gone.stderr).toContain('assay schedule list');
  });

  test.each([
    ['no time', ['create', 'x', '--batch', 'items.jsonl'], 'say when'],
    ['no items', ['create', 'x', '--every', '1h'], '--batch'],
    ['items that are not there', ['create', 'x', '--every', '1h', '--batch', 'no.jsonl'], 'does not exist'],
    [
      'a bad cron expression',
      ['create', 'x', '--cron', '99 * * * *', '--batch', 'items.jsonl'],
      'not in range',
    ],
    ['a bad duration', ['create', 'x', '--every', '1x', '--batch', 'items.jsonl'], 'must be a duration'],
    ['a bad name', ['create', 'a b', '--every', '1h', '--batch', 'items.jsonl'], 'name'],
    [
      'a bad rule',
      ['create', 'x', '--every', '1h', '--batch', 'items.jsonl', '--notify-on', 'often'],
      'any-new-failure',
    ],
    [
      'a bad target',
      ['create', 'x', '--every', '1h', '--batch', 'items.jsonl', '--notify', 'me'],
      'slack:URL',
    ],
    ['a bad keep', ['create', 'x', '--every', '1h', '--batch', 'items.jsonl', '--keep', '0'], '30,90d'],
    ['a backfill backwards', ['backfill', 'x', '--from', '2026-02-01', '--to', '2026-01-01'], 'before --to'],
    ['a backfill of no time', ['backfill', 'x', '--from', 'then', '--to', '2026-01-01'], 'must be a time'],
  ])('%s is bad input', async (_, args, why) => {
    const { code, stdout, stderr } = await run(...args);
    expect(stderr).toContain(why);
    expect({ code, stdout }, stderr).toEqual({ code: 64, stdout: '' });
  });

  test('needs a server that outlives the command', async () => {
    const { code, stderr } = await assay(['schedule', 'list'], { cwd: folder });
    expect(stderr).toContain('start assay dev in another terminal');
    expect(code).toBe(64);
  });
});
