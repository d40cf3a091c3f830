import {
  CommandExitError,
  FilesystemEventType,
  NotFoundError,
  Sandbox,
  TimeoutError,
} from '@e2b/code-interpreter';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { conformanceTarget } from '../support/conformance-target.ts';
import type { ConformanceTarget } from '../support/conformance-target.ts';

// What programs of E2B's JavaScript SDK do inside a sandbox.
let target: ConformanceTarget;
let sandbox: Sandbox;
beforeAll(async () => {
  target = await conformanceTarget();
  sandbox = await Sandbox.create({ ...target.connection, timeoutMs: 300_000 });
}, 60_000);
afterAll(async () => {
  await sandbox.kill();
  await target.stop();
});

describe('files', () => {
  test('are written and read in each form', async () => {
    await sandbox.files.write('forms.txt', 'text');
    expect(await sandbox.files.read('forms.txt')).toBe('text');
    await sandbox.files.write('forms.txt', new Uint8Array([104, 105]).buffer);
    expect(await sandbox.files.read('forms.txt', { format: 'bytes' })).toEqual(new Uint8Array([104, 105]));
    await sandbox.files.write('forms.txt', new Blob(['blob']));
    expect(await (await sandbox.files.read('forms.txt', { format: 'blob' })).text()).toBe('blob');
    await sandbox.files.write('forms.txt', new Blob(['stream']).stream());
    const stream = await sandbox.files.read('forms.txt', { format: 'stream' });
    expect(await new Response(stream).text()).toBe('stream');
    await sandbox.files.write('empty.txt', '');
    expect(await sandbox.files.read('empty.txt')).toBe('');
  });

  test('many at once, into folders that are made', async () => {
    const written = await sandbox.files.write([
      { path: 'many/a.txt', data: 'a' },
      { path: 'many/deep/b.txt', data: 'b' },
    ]);
    expect(written.map(({ path }) => path)).toEqual(['/home/user/many/a.txt', '/home/user/many/deep/b.txt']);
    const names = async (depth: number): Promise<string[]> =>
      (await sandbox.files.list('many', { depth })).map(({ name }) => name).toSorted();
    expect(await names(1)).toEqual(['a.txt', 'deep']);
    expect(await names(2)).toEqual(['a.txt', 'b.txt', 'deep']);
  });

  test('are looked at, moved and removed', async () => {
    await sandbox.files.write('old.txt', 'x');
    expect(await sandbox.files.getInfo('old.txt')).toMatchObject({ name: 'old.txt', type: 'file', size: 1 });
    expect((await sandbox.files.rename('old.txt', 'moved/new.txt')).path).toBe('/home/user/moved/new.txt');
    expect(await sandbox.files.exists('old.txt')).toBe(false);
    expect(await sandbox.files.makeDir('folder')).toBe(true);
    expect(await sandbox.files.makeDir('folder')).toBe(false);
    await sandbox.files.remove('moved');
    expect(await sandbox.files.exists('moved/new.txt')).toBe(false);
    await expect(sandbox.files.read('nowhere.txt')).rejects.toBeInstanceOf(NotFoundError);
    await expect(sandbox.files.getInfo('nowhere.txt')).rejects.toBeInstanceOf(NotFoundError);
  });

  test('a watch tells of writes, also in folders made later', async () => {
    await sandbox.files.makeDir('watched');
    const seen = new Set<string>();
    const watch = await sandbox.files.watchDir(
      'watched',
      ({ type, name }) => void seen.add(`${type} ${name}`),
      {
        recursive: true,
      },
    );
    await sandbox.files.makeDir('watched/later');
    await expect.poll(() => seen.has(`${FilesystemEventType.CREATE} later`)).toBe(true);
    await sandbox.files.write('watched/later/file.txt', 'x');
    await expect.poll(() => seen.has(`${FilesystemEventType.WRITE} later/file.txt`)).toBe(true);
    await watch.stop();
    await expect(sandbox.files.watchDir('not-there', () => undefined)).rejects.toBeInstanceOf(NotFoundError);
  });

  test('signed addresses open one path for a while', async () => {
    const upload = await sandbox.uploadUrl('signed.txt', { useSignatureExpiration: 10_000 });
    const form = new FormData();
    form.append('file', new Blob(['signed']), 'signed.txt');
    expect((await fetch(upload, { method: 'POST', body: form })).status).toBe(200);
    const download = await sandbox.downloadUrl('signed.txt', { useSignatureExpiration: 10_000 });
    expect(await (await fetch(download)).text()).toBe('signed');
    expect((await fetch(download.replace('signature=v1_', 'signature=v1_x'))).status).toBe(401);
  });
});

describe('commands', () => {
  test('output, exit code, folder, variables and user', async () => {
    const { stdout, stderr } = await sandbox.commands.run('echo "$A"; pwd; echo err >&2', {
      cwd: '/tmp',
      envs: { A: `it's "1"\n$HOME` },
    });
    expect(stdout).toBe(`it's "1"\n$HOME\n/tmp\n`);
    expect(stderr).toBe('err\n');
    const failure = await sandbox.commands.run('exit 4').catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(CommandExitError);
    expect(failure).toMatchObject({ exitCode: 4 });
    expect((await sandbox.commands.run('whoami; echo $HOME; pwd', { user: 'root' })).stdout).toBe(
      'root\n/root\n/root\n',
    );
  });

  test('in the background: found, joined, fed and killed', async () => {
    const handle = await sandbox.commands.run('cat; sleep 100', {
      background: true,
      stdin: true,
      timeoutMs: 0,
    });
    await sandbox.commands.sendStdin(handle.pid, 'fed\n');
    const joined = await sandbox.commands.connect(handle.pid, { timeoutMs: 0 });
    await expect.poll(() => handle.stdout).toBe('fed\n');
    await sandbox.commands.closeStdin(handle.pid);
    expect((await sandbox.commands.list()).map(({ pid }) => pid)).toContain(handle.pid);
    expect(await handle.kill()).toBe(true);
    await expect(joined.wait()).rejects.toBeInstanceOf(CommandExitError);
    expect(await sandbox.commands.kill(handle.pid)).toBe(false);
  });

  test('one that takes too long is ended', async () => {
    await expect(sandbox.commands.run('sleep 3210', { timeoutMs: 500 })).rejects.toBeInstanceOf(TimeoutError);
    const left = (): Promise<string> =>
      sandbox.commands.run('pgrep -fc "[s]leep 3210" || true').then(({ stdout }) => stdout.trim());
    await expect.poll(left, { timeout: 5_000 }).toBe('0');
  });

  test('a terminal', async () => {
    let screen = '';
    const decoder = new TextDecoder();
    const terminal = await sandbox.pty.create({
      ...{ cols: 80, rows: 24, timeoutMs: 0 },
      onData: (data) => void (screen += decoder.decode(data, { stream: true })),
    });
    await sandbox.pty.resize(terminal.pid, { cols: 100, rows: 30 });
    await sandbox.pty.sendInput(terminal.pid, new TextEncoder().encode('stty size; echo 4$((1+1))\n'));
    await expect.poll(() => screen, { timeout: 10_000 }).toMatch(/30 100[^]*42/);
    await sandbox.pty.sendInput(terminal.pid, new TextEncoder().encode('exit 3\n'));
    await expect(terminal.wait()).rejects.toMatchObject({ exitCode: 3 });
  });

  test('git', async () => {
    const path = '/home/user/repository';
    await sandbox.git.init(path, { initialBranch: 'main' });
    await sandbox.git.configureUser('A', 'a@example.com', { scope: 'local', path });
    await sandbox.files.write(`${path}/a.txt`, 'a');
    expect((await sandbox.git.status(path)).fileStatus.map(({ name }) => name)).toEqual(['a.txt']);
    await sandbox.git.add(path);
    await sandbox.git.commit(path, 'first');
    await sandbox.git.createBranch(path, 'other');
    expect(await sandbox.git.branches(path)).toMatchObject({ currentBranch: 'other' });
    await sandbox.git.checkoutBranch(path, 'main');
    await sandbox.git.deleteBranch(path, 'other');
    expect((await sandbox.git.status(path)).isClean).toBe(true);
    await sandbox.commands.run(`git clone --bare ${path} /home/user/bare.git`);
    await sandbox.git.clone('/home/user/bare.git', { path: '/home/user/clone' });
    expect(await sandbox.files.read('/home/user/clone/a.txt')).toBe('a');
  });
});

describe('code', () => {
  test('keeps its state, tells its output apart and shows errors', async () => {
    await sandbox.runCode('x = 41');
    const stdout: string[] = [];
    const run = await sandbox.runCode('print("p")\nx + 1', {
      onStdout: ({ line }) => void stdout.push(line),
    });
    expect(run.text).toBe('42');
    expect(stdout.join('')).toBe('p\n');
    const { error } = await sandbox.runCode('1 / 0');
    expect(error).toMatchObject({ name: 'ZeroDivisionError', value: 'division by zero' });
    expect((await sandbox.runCode('import os; os.environ["A"]', { envs: { A: 'b' } })).text).toBe('b');
  });

  test.each([
    ['python', 'print(6 * 7)'],
    ['javascript', 'console.log(6 * 7)'],
    ['typescript', 'const n: number = 6 * 7; console.log(n)'],
    ['bash', 'echo $((6 * 7))'],
  ])('%s', async (language, code) => {
    expect((await sandbox.runCode(code, { language })).logs.stdout.join('').trim()).toBe('42');
  });

  test('contexts have a state and a folder of their own', async () => {
    const context = await sandbox.createCodeContext({ cwd: '/tmp' });
    expect((await sandbox.runCode('import os; y = 1; os.getcwd()', { context })).text).toBe('/tmp');
    expect((await sandbox.runCode('y')).error?.name).toBe('NameError');
    expect((await sandbox.listCodeContexts()).map(({ id }) => id)).toContain(context.id);
    await sandbox.restartCodeContext(context);
    expect((await sandbox.runCode('y', { context })).error?.name).toBe('NameError');
    await sandbox.removeCodeContext(context);
    await expect(sandbox.runCode('1', { context })).rejects.toThrow();
  });

  test('charts and tables come with their data', async () => {
    const { results } = await sandbox.runCode(
      'import matplotlib.pyplot as plt\nplt.bar(["a", "b"], [1, 2]); plt.title("t"); plt.show()',
    );
    expect(results[0]?.png).toMatch(/^iVBOR/);
    expect(results[0]?.chart).toMatchObject({ type: 'bar', title: 't' });
    const table = await sandbox.runCode('import pandas as pd; pd.DataFrame({"a": [1, 2]})');
    expect(table.results[0]?.data).toEqual({ a: [1, 2] });
  });

  test('one that takes too long is interrupted, and the next one runs at once', async () => {
    await expect(sandbox.runCode('import time; time.sleep(60)', { timeoutMs: 1_000 })).rejects.toBeInstanceOf(
      TimeoutError,
    );
    expect((await sandbox.runCode('2 + 2')).text).toBe('4');
  });
});
