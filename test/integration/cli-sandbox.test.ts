import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PROJECT_ROOT } from '../../src/home.ts';
import { assay, runProgram, tempFolder, type RunOptions } from '../support/assay.ts';

const state = mkdtempSync(join(tmpdir(), 'assay-test-serve-'));
let server: ChildProcess;
let printed: string[];

async function serve(): Promise<void> {
  server = spawn(join(PROJECT_ROOT, 'bin/assay'), ['sandbox', 'serve', '--port', '0', '--state', state], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  printed = [];
  for await (const line of createInterface({ input: server.stdout as NodeJS.ReadableStream })) {
    printed.push(line);
    if (printed.length === 4) break;
  }
}
beforeAll(serve);
afterAll(async () => {
  const ended = once(server, 'exit');
  server.kill('SIGTERM');
  expect((await ended)[0]).toBe(0);
  expect(existsSync(join(state, 'server.json'))).toBe(false);
  rmSync(state, { recursive: true });
});

const sandbox = (args: string[], options?: RunOptions) =>
  assay(['sandbox', ...args, '--state', state], options);
const create = async (...args: string[]): Promise<string> =>
  (await sandbox(['create', ...args])).stdout.trim();

/** Types into a program that has a terminal: waits for a prompt, asks, leaves. */
const DRIVER = `
import os, pty, select, sys, time
pid, fd = pty.fork()
if pid == 0: os.execv(sys.argv[1], sys.argv[1:])
said = b''
def until(text):
    global said
    end = time.time() + 30
    while text not in said and time.time() < end:
        if select.select([fd], [], [], 0.2)[0]:
            try: said += os.read(fd, 4096)
            except OSError: return
until(b'$ ')
os.write(fd, b'echo in $(stty size) a terminal\\r')
until(b'80 a terminal')
os.write(fd, b'exit 5\\r')
until(b'logout')
print(said.decode(errors='replace'))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;

describe('assay sandbox', () => {
  test('serve prints what programs need, and env prints the same', async () => {
    expect(printed).toEqual([
      expect.stringMatching(/^E2B_API_URL=http:\/\/127\.0\.0\.1:\d+$/),
      expect.stringMatching(/^E2B_SANDBOX_URL=http/),
      expect.stringMatching(/^E2B_API_KEY=e2b_[0-9a-f]{40}$/),
      expect.stringMatching(/^E2B_VOLUME_API_URL=http/),
    ]);
    expect((await sandbox(['env'])).stdout.trim().split('\n')).toEqual(printed);
    expect(statSync(join(state, 'server.json')).mode & 0o777).toBe(0o600);
  });

  test('creates, lists, shows, pauses, resumes and kills', async () => {
    const id = await create('--metadata', 'owner=me', '--env', 'COLOUR=green', '--timeout', '600');
    const listed = JSON.parse((await sandbox(['list', '--json', '--metadata', 'owner=me'])).stdout);
    expect(listed).toMatchObject([{ sandboxId: id, state: 'running', metadata: { owner: 'me' } }]);
    expect((await sandbox(['pause', id])).code).toBe(0);
    expect((await sandbox(['pause', id])).stderr).toContain('paused already');
    expect((await sandbox(['list', '--only', 'paused'])).stdout).toContain(id);
    expect((await sandbox(['list', '--only', 'running'])).stdout).not.toContain(id);
    expect((await sandbox(['resume', id])).code).toBe(0);
    const info = JSON.parse((await sandbox(['info', id])).stdout);
    expect(info).toMatchObject({ sandboxId: id, metrics: { memTotal: expect.any(Number) } });
    expect((await sandbox(['exec', id, 'echo $COLOUR'])).stdout).toBe('green\n');
    const logs = (await sandbox(['logs', id])).stdout;
    expect(logs).toMatch(/created in \d+ ms[^]*paused[^]*resumed[^]*command: echo \$COLOUR/);
    expect((await sandbox(['kill', id])).stdout).toBe(`${id}\n`);
    const again = await sandbox(['kill', id]);
    expect(again).toMatchObject({ code: 64, stderr: expect.stringContaining('there is no sandbox') });
  });

  test('a minimal template has the interpreters alone', async () => {
    const id = await create('minimal');
    expect((await sandbox(['exec', id, 'python3 -c "import pandas"'])).stderr).toContain('No module named');
    expect((await sandbox(['exec', id, 'node -p 1+1'])).stdout).toBe('2\n');
    await sandbox(['kill', id]);
  });

  test('exec passes output, input, arguments and exit codes through', async () => {
    const id = await create();
    const both = await sandbox(['exec', id, 'echo out; echo err >&2; exit 7']);
    expect(both).toMatchObject({ code: 7, stdout: 'out\n', stderr: 'err\n' });
    const words = await assay([
      'sandbox',
      'exec',
      '--state',
      state,
      id,
      '--',
      'printf',
      '<%s>',
      `it's`,
      'a  b',
      '',
    ]);
    expect(words.stdout).toBe(`<it's><a  b><>`);
    const input = 'line\n'.repeat(50_000);
    expect((await sandbox(['exec', id, 'wc -c'], { input })).stdout.trim()).toBe(String(input.length));
    const late = await sandbox(['exec', '--timeout', '1', id, 'sleep 60']);
    expect(late).toMatchObject({ code: 3, stderr: expect.stringContaining('did not end within 1 s') });
    const ended = Promise.withResolvers<void>();
    const interrupted = sandbox(['exec', id, 'sleep 61'], {
      onStart: (child) => void ended.promise.then(() => child.kill('SIGINT')),
    });
    await expect
      .poll(() => sandbox(['exec', id, 'pgrep -x sleep']), { timeout: 30_000 })
      .toMatchObject({ code: 0 });
    ended.resolve();
    expect((await interrupted).code).toBe(130);
    expect((await sandbox(['exec', id, 'pgrep -fc "sleep 6[0-9]" || true'])).stdout.trim()).toMatch(/^[01]$/);
    await sandbox(['kill', id]);
  });

  test('shell is a terminal that leaves with its exit code', async () => {
    const id = await create();
    const program = join(PROJECT_ROOT, 'bin/assay');
    const { code, stdout } = await runProgram('python3', [
      '-c',
      DRIVER,
      program,
      'sandbox',
      'shell',
      '--state',
      state,
      id,
    ]);
    expect(stdout).toContain('in 24 80 a terminal');
    expect(code).toBe(5);
    expect((await sandbox(['shell', id])).stderr).toContain('needs a terminal');
    await sandbox(['kill', id]);
  });

  test('cp copies files and folders both ways', async () => {
    const id = await create();
    const folder = tempFolder();
    mkdirSync(join(folder, 'data/deep'), { recursive: true });
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, i) => i % 251));
    writeFileSync(join(folder, 'data/deep/bytes.bin'), bytes);
    writeFileSync(join(folder, 'data/a.txt'), 'a');
    expect((await sandbox(['cp', join(folder, 'data'), `${id}:/tmp/`])).stderr).toContain('2 files');
    expect(
      (await sandbox(['exec', id, 'cat /tmp/data/a.txt; ln -s /etc/passwd /tmp/data/link'])).stdout,
    ).toBe('a');
    expect((await sandbox(['cp', `${id}:/tmp/data`, join(folder, 'back')])).code).toBe(0);
    expect(readFileSync(join(folder, 'back/deep/bytes.bin')).equals(bytes)).toBe(true);
    expect(existsSync(join(folder, 'back/link'))).toBe(false);
    await sandbox(['cp', `${id}:/tmp/data/a.txt`, `${folder}/`]);
    expect(readFileSync(join(folder, 'a.txt'), 'utf8')).toBe('a');
    const bad = await sandbox(['cp', 'a', 'b']);
    expect(bad).toMatchObject({ code: 64, stderr: expect.stringContaining('ID:path') });
    await sandbox(['kill', id]);
  });

  test('template build makes one of a Dockerfile; list shows and remove removes it', async () => {
    const folder = tempFolder();
    writeFileSync(join(folder, 'note.txt'), 'from the context\n');
    writeFileSync(
      join(folder, 'Dockerfile'),
      'FROM e2bdev/base\nCOPY note.txt /app/note.txt\nWORKDIR /app\nRUN cp note.txt copy.txt\n',
    );
    const template = (...args: string[]) => assay(['template', ...args, '--state', state]);
    const built = await template('build', folder, '--name', 'noted');
    expect(built, built.stderr).toMatchObject({ code: 0, stdout: 'noted\n' });
    expect((await template('list')).stdout).toContain('noted');
    const id = await create('noted');
    expect((await sandbox(['exec', id, 'cat copy.txt'])).stdout).toBe('from the context\n');
    await sandbox(['kill', id]);
    expect((await template('remove', 'noted')).code).toBe(0);
    expect((await template('list')).stdout).toBe('no templates\n');
    expect(await template('remove', 'noted')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('not found'),
    });
  });

  test('without a server it says how to get one', async () => {
    const nowhere = await assay(['sandbox', 'list', '--state', tempFolder()], {
      env: { ASSAY_HOME: tempFolder(), ASSAY_NODE: process.execPath },
    });
    expect(nowhere).toMatchObject({ code: 3, stderr: expect.stringContaining('assay sandbox serve') });
  });

  test('what a killed server left is ended by the next, and its record is not believed', async () => {
    const id = await create('--timeout', '600');
    const ended = once(server, 'exit');
    server.kill('SIGKILL');
    await ended;
    expect((await sandbox(['list'])).stderr).toContain('assay sandbox serve');
    await serve();
    expect((await sandbox(['list'])).stdout).not.toContain(id);
  });
});
