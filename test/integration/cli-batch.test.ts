import type { ChildProcess } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, inject, onTestFinished, test } from 'vitest';
import { assay, hearsCtrlC, tempFolder } from '../support/assay.ts';
import type { RunOptions } from '../support/assay.ts';

let folder: string;
beforeEach(() => {
  folder = tempFolder();
});

function file(name: string, content: string): string {
  mkdirSync(join(folder, name, '..'), { recursive: true });
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}
const item = (id: string, more: object = {}) =>
  JSON.stringify({ id, language: 'python', code: 'print(1)', ...more });

/** No worker polls there: a batch that was started after all would never end. */
async function refused(args: string[], why: RegExp | string, input = ''): Promise<string> {
  const env = {
    ...{ TEMPORAL_ADDRESS: inject('temporalAddress'), ASSAY_STORE: join(folder, 'store') },
    ...{ AWS_ACCESS_KEY_ID: 'any', AWS_SECRET_ACCESS_KEY: 'any' },
  };
  const { code, stdout, stderr } = await assay(['batch', 'run', ...args, '--task-queue', 'nobody'], {
    ...{ cwd: folder, env, input },
  });
  expect(stderr).toMatch(why);
  expect({ code, stdout }, stderr).toEqual({ code: 64, stdout: '' });
  return stderr;
}

describe('exit code 64, and nothing is started', () => {
  test('for bad lines, each with its number and path', async () => {
    file('bad.jsonl', `${item('a')}\n{\n${item('a', { limits: { timeout: 1 } })}\n`);
    const stderr = await refused(['bad.jsonl'], /^assay: line 2: [^\n]*is no JSON/);
    expect(stderr).toContain('line 3: id: a is that of line 1 too');
    expect(stderr).toContain('line 3: limits.timeout: there is no such field');
  });

  test('for thousands of bad lines, each of which is told', async () => {
    const lines = Array.from({ length: 2_500 }, (_, at) => item(`i${at}`, { code: '' }));
    const stderr = await refused(['-'], /line 1: code/, lines.join('\n'));
    expect(stderr).toContain('2500 items are at fault');
    expect(stderr.trimEnd().split('\n')).toHaveLength(2_501);
  });

  test('for a fault of the defaults, once', async () => {
    file('items.jsonl', [item('a'), item('b', { limits: { timeout: 1 } }), item('c')].join('\n'));
    file('defaults.json', '{"limits":{"timeout":1},"labels":{"by":3}}');
    const stderr = await refused(['items.jsonl', '--defaults', 'defaults.json'], /^assay: line 1: defaults/);
    expect(stderr.trimEnd().split('\n').slice(0, 3)).toEqual([
      'assay: line 1: defaults.limits.timeout: there is no such field',
      'line 1: defaults.labels.by: must be a string, not number',
      'line 2: limits.timeout: there is no such field',
    ]);
  });

  test.each([
    ['no items', ['empty.jsonl'], 'items: there are none'],
    ['a folder for results that is a file', ['ok.jsonl', '--out', 'list.json'], 'list.json is no folder'],
    ['a file that is not there', ['missing.jsonl'], 'missing.jsonl does not exist'],
    ['a bad store reference', ['blob:md5:1'], 'is no reference into the store'],
    ['a reference to nothing', [`blob:sha256:${'0'.repeat(64)}`], 'is not in the store'],
    ['a folder without tests', ['.'], 'has no code with tests beside'],
    ['a bad name', ['ok.jsonl', '--name', 'a b'], 'name'],
    ['a concurrency of 0', ['ok.jsonl', '--concurrency', '0'], 'whole number from 1 to 500'],
    ['a priority of 9', ['ok.jsonl', '--priority', '9'], 'whole number from 1 to 5'],
    ['defaults that are no object', ['ok.jsonl', '--defaults', 'list.json'], 'must be a JSON object'],
    ['defaults that are not there', ['ok.jsonl', '--defaults', 'no.json'], 'no.json'],
    ['a map without CSV', ['ok.jsonl', '--map', 'id=a'], '--map is for CSV and Parquet'],
    ['a map that is none', ['ok.csv', '--map', 'id'], 'field=column'],
    ['CSV without an id', ['tasks.csv'], 'has no column id; it has task, code; a map says'],
    ['a gzip file that is none', ['broken.jsonl.gz'], 'broken.jsonl.gz is no gzip file'],
    ['bad lines of a gzip file', ['bad.jsonl.gz'], 'line 1: is no JSON'],
    ['a column that is not there', ['ok.csv', '--map', 'id=task'], 'has no column task; it has id, code'],
    ['--detach with --json', ['ok.jsonl', '--detach', '--json'], 'cannot be used with'],
  ])('for %s', async (_, args, why) => {
    file('ok.jsonl', item('a'));
    file('ok.csv', 'id,code\na,b\n');
    file('list.json', '[]');
    file('empty.jsonl', '\n\n');
    file('tasks.csv', 'task,code\na,print(1)\nb,print(2)\n');
    file('broken.jsonl.gz', item('a'));
    writeFileSync(join(folder, 'bad.jsonl.gz'), gzipSync('{\n'));
    await refused(args, why);
  });
});

describe('items in a bucket', () => {
  /** Answers as S3 does for one object of each name. */
  async function bucket(objects: Record<string, string>) {
    const server = createServer(({ url = '', method }, response) => {
      const content = objects[new URL(url, 'http://x').pathname];
      response.writeHead(content === undefined ? 404 : 200, {
        'content-length': Buffer.byteLength(content ?? ''),
        etag: '"1"',
        'last-modified': new Date(0).toUTCString(),
      });
      response.end(method === 'HEAD' ? undefined : content);
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    onTestFinished(() => void server.close());
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return (name: string) => `s3://b/${name}?endpoint=${endpoint}&region=x`;
  }

  test('are read as JSON lines, or CSV by its name', async () => {
    const urlOf = await bucket({
      '/b/in/items.jsonl': `${item('a')}\n${item('b', { limits: { timeout: 1 } })}\n`,
      '/b/in/items.csv': 'task,code\na,b\n',
    });
    await refused([urlOf('in/items.jsonl')], /^assay: line 2: limits.timeout: there is no such field\n$/);
    const csv = [urlOf('in/items.csv'), '--map', 'id=task,code=code'];
    await refused(csv, /^assay: line 2: language: is missing/);
    await refused([urlOf('in/none.jsonl')], 'in/none.jsonl');
    await refused([urlOf('')], 'names no file');
  });

  test('or by a URL of this machine', async () => {
    const path = file('items.jsonl', item('a', { limits: { timeout: 1 } }));
    await refused([pathToFileURL(path).href], /^assay: line 1: limits.timeout/);
    await refused(['file://elsewhere/items.jsonl'], 'must be file:///ABSOLUTE/PATH');
  });
});

test('Ctrl-C while the items are read ends the command', async () => {
  let stop = () => undefined as unknown;
  // It never answers.
  const server = createServer(() => void stop());
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const source = `s3://b/items.jsonl?endpoint=http://127.0.0.1:${port}&region=x`;
  const { code, stderr } = await assay(['batch', 'run', source, '--task-queue', 'nobody'], {
    env: {
      ...{ TEMPORAL_ADDRESS: inject('temporalAddress'), ASSAY_STORE: join(folder, 'store') },
      ...{ AWS_ACCESS_KEY_ID: 'any', AWS_SECRET_ACCESS_KEY: 'any' },
    },
    onStart: (child) => {
      stop = () => child.kill('SIGINT');
    },
  });
  expect({ code, stderr }).toEqual({ code: 130, stderr: 'assay: interrupted\n' });
});

test('a folder of results that is named like a batch is pointed at', async () => {
  file('res/results.jsonl', '');
  const env = { TEMPORAL_ADDRESS: inject('temporalAddress') };
  const { code, stderr } = await assay(['batch', 'diff', 'res', 'res'], { env, cwd: folder });
  expect({ code, stderr }).toEqual({
    code: 64,
    stderr: 'assay: There is no batch batch-res; the folder is res/\n',
  });
});

test('a batch that does not exist is bad input, whatever is asked of it', async () => {
  const env = { TEMPORAL_ADDRESS: inject('temporalAddress') };
  for (const verb of ['status', 'watch', 'results', 'cancel', 'pause', 'resume', 'update']) {
    const more = verb === 'update' ? ['--concurrency', '2'] : [];
    const { code, stderr } = await assay(['batch', verb, 'nothing-of-this-name', ...more], { env });
    expect({ verb, code, stderr }).toEqual({
      ...{ verb, code: 64, stderr: 'assay: There is no batch batch-nothing-of-this-name\n' },
    });
  }
}, 60_000);

test('a batch whose workers are all away is said to be so, and never holds a terminal', async () => {
  file('items.jsonl', item('a'));
  const name = `nobody-${Date.now()}`;
  const env = { TEMPORAL_ADDRESS: inject('temporalAddress'), ASSAY_STORE: join(folder, 'store') };
  const run = ['batch', 'run', 'items.jsonl', '--name', name, '--detach', '--task-queue', 'nobody'];
  expect(await assay(run, { env, cwd: folder })).toMatchObject({ code: 0 });
  const ask = (verb: string, onStart?: RunOptions['onStart']) =>
    assay(['batch', verb, name], { env, ...(onStart && { onStart }) });
  const stopped = (child: ChildProcess) =>
    void expect
      .poll(() => hearsCtrlC(child), { timeout: 60_000 })
      .toBe(true)
      .then(() => child.kill('SIGINT'));
  const [paused, cancelled, results] = await Promise.all([
    ask('pause'),
    ask('cancel'),
    ask('results', stopped),
  ]);
  expect(paused).toMatchObject({ code: 3, stderr: expect.stringContaining('no worker answers for it') });
  expect(cancelled).toMatchObject({ code: 3, stderr: expect.stringContaining('is a worker running?') });
  expect(results).toMatchObject({ code: 130, stdout: '', stderr: 'assay: interrupted\n' });
}, 120_000);
