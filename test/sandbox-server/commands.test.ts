import { existsSync, readFileSync } from 'node:fs';

import {
  CommandExitError,
  NotFoundError,
  Sandbox,
  SandboxNotFoundError,
  TimeoutError,
} from '@e2b/code-interpreter';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { startTestSandboxServer, type TestSandboxServer } from '../support/sandbox-server.ts';

let server: TestSandboxServer;
let sandbox: Sandbox;

beforeAll(async () => {
  server = await startTestSandboxServer({ packages: false });
  sandbox = await Sandbox.create({ apiKey: server.apiKey, apiUrl: server.url, sandboxUrl: server.url });
});
afterAll(() => server.stop());

async function isAlive(pid: number): Promise<boolean> {
  return (await sandbox.commands.list()).some((process) => process.pid === pid);
}

/** Waits for something to become true in the sandbox, for five seconds at most. */
async function eventually(condition: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 100 && !(await condition()); tries++)
    await new Promise((go) => setTimeout(go, 50));
  expect(await condition()).toBe(true);
}

test('a command tells its output apart and its exit code', async () => {
  const result = await sandbox.commands.run('echo out; echo err >&2');
  expect(result).toMatchObject({ exitCode: 0, stdout: 'out\n', stderr: 'err\n' });
  const failure = await sandbox.commands.run('echo why >&2; exit 3').catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(CommandExitError);
  expect(failure).toMatchObject({ exitCode: 3, stderr: 'why\n' });
});

test('output streams as it comes', async () => {
  const seen: string[] = [];
  const handle = await sandbox.commands.run('echo one; read line; echo $line', {
    background: true,
    stdin: true,
    onStdout: (text) => void seen.push(text),
  });
  await eventually(async () => seen.join('') === 'one\n');
  await handle.sendStdin('two\n');
  expect((await handle.wait()).stdout).toBe('one\ntwo\n');
});

test('variables, folder and user are as asked', async () => {
  const { stdout } = await sandbox.commands.run('echo "$A|$PWD|$(whoami)"', {
    envs: { A: `x'y"z\n` },
    cwd: '/tmp',
  });
  expect(stdout).toBe(`x'y"z\n|/tmp|user\n`);
  await expect(sandbox.commands.run('true', { cwd: '/no/such/folder' })).rejects.toThrow(/no\/such\/folder/);
  await expect(sandbox.commands.run('true', { user: 'mallory' })).rejects.toThrow('mallory');
});

test('stdin can be closed', async () => {
  const handle = await sandbox.commands.run('wc -c', { background: true, stdin: true });
  await handle.sendStdin('12345');
  await handle.closeStdin();
  expect((await handle.wait()).stdout.trim()).toBe('5');
});

test('a time limit ends the whole group of processes', async () => {
  const running = sandbox.commands.run('sleep 4321 & sleep 4321', { timeoutMs: 700 });
  await expect(running).rejects.toBeInstanceOf(TimeoutError);
  await eventually(async () => {
    const { stdout } = await sandbox.commands.run('ps -eo args 2>/dev/null | grep -c "[s]leep 4321" || true');
    return stdout.trim() === '0';
  });
});

test('a background command outlives its client and can be found again', async () => {
  const handle = await sandbox.commands.run('echo begin; sleep 0.5; echo end', { background: true });
  await handle.disconnect();
  expect(await isAlive(handle.pid)).toBe(true);
  const again = await sandbox.commands.connect(handle.pid);
  expect((await again.wait()).stdout).toContain('end');
  expect(await isAlive(handle.pid)).toBe(false);
});

test('a killed command says so, its children die with it', async () => {
  const handle = await sandbox.commands.run('sleep 999 & sleep 999', { background: true });
  expect(await handle.kill()).toBe(true);
  await expect(handle.wait()).rejects.toBeInstanceOf(CommandExitError);
  expect(await sandbox.commands.kill(handle.pid)).toBe(false);
  await expect(sandbox.commands.connect(999_999)).rejects.toBeInstanceOf(NotFoundError);
});

test('a terminal takes input, sizes and kills', async () => {
  let screen = '';
  const decoder = new TextDecoder();
  const pty = await sandbox.pty.create({
    cols: 90,
    rows: 20,
    onData: (bytes) => void (screen += decoder.decode(bytes)),
  });
  await sandbox.pty.sendInput(pty.pid, new TextEncoder().encode('stty size; echo mar""ker\n'));
  await eventually(async () => screen.includes('20 90') && screen.includes('marker'));
  await sandbox.pty.resize(pty.pid, { cols: 100, rows: 30 });
  await sandbox.pty.sendInput(pty.pid, new TextEncoder().encode('stty size\n'));
  await eventually(async () => screen.includes('30 100'));
  expect(await sandbox.pty.kill(pty.pid)).toBe(true);
});

test('twenty commands at once all answer', async () => {
  const results = await Promise.all(Array.from({ length: 20 }, (_, i) => sandbox.commands.run(`echo ${i}`)));
  expect(results.map((result) => result.stdout.trim())).toEqual(results.map((_, i) => String(i)));
});

test('100 MB of output arrive whole, with flat memory in the server', async () => {
  const rss = (): number =>
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))?.[1]) / 1024;
  const before = rss();
  let bytes = 0;
  let peak = 0;
  await sandbox.commands.run('head -c 100000000 /dev/zero | tr "\\0" x', {
    onStdout: (text) => {
      bytes += text.length;
      peak = Math.max(peak, rss());
    },
  });
  expect(bytes).toBe(100_000_000);
  expect(peak - before).toBeLessThan(120);
});

test('a kill of everything inside ends no more than the sandbox', async () => {
  const connection = { apiKey: server.apiKey, apiUrl: server.url, sandboxUrl: server.url };
  const doomed = await Sandbox.create(connection);
  await doomed.commands.run('kill -9 -1; sleep 1').catch(() => undefined);
  const after = await doomed.commands.run('echo alive').catch((error: unknown) => error);
  if (after instanceof Error)
    expect(after instanceof TimeoutError || after instanceof SandboxNotFoundError).toBe(true);
  else expect(after).toMatchObject({ stdout: 'alive\n' });
  expect((await sandbox.commands.run('echo fine')).stdout).toBe('fine\n');
});

test('root is the one user by another name, with a home of its own', async () => {
  const said = async (command: string, user?: 'root'): Promise<string> =>
    (await sandbox.commands.run(command, user && { user })).stdout.trim();
  expect(await said('whoami; id -u; id -un; echo $HOME $USER; pwd', 'root')).toBe(
    'root\n0\nroot\n/root root\n/root',
  );
  expect(await said('whoami; id -u; echo $HOME $USER; pwd')).toBe('user\n1000\n/home/user user\n/home/user');
  const written = await sandbox.files.write('of-root.txt', 'x', { user: 'root' });
  expect(written.path).toBe('/root/of-root.txt');
  expect(await said('cat /root/of-root.txt')).toBe('x');
  await expect(sandbox.files.write('/etc/of-root', 'x', { user: 'root' })).rejects.toThrow(/Read-only/);
});

test('sudo runs a command with the name and the home of root', async () => {
  const said = async (command: string): Promise<string> =>
    (await sandbox.commands.run(command)).stdout.trim();
  expect(await said('sudo -n whoami; sudo -u user whoami; sudo id -u')).toBe('root\nuser\n0');
  expect(await said(`sudo A=1 sh -c 'echo $A $HOME $SUDO_USER'; sudo -i pwd; sudo -- echo -n x`)).toBe(
    '1 /root user\n/root\nx',
  );
  expect(await said('sudo sh -c "sudo -u user sudo whoami"')).toBe('root');
  await expect(sandbox.commands.run('sudo -u nobody-here true')).rejects.toThrow();
  await expect(sandbox.commands.run('sudo sh -c "exit 7"')).rejects.toMatchObject({ exitCode: 7 });
});

test('what is added to the files of a login shell is in force for the commands after it, and a terminal has its prompt', async () => {
  const fresh = await Sandbox.create({ apiKey: server.apiKey, apiUrl: server.url, sandboxUrl: server.url });
  await fresh.commands.run(
    `mkdir -p bin tools; echo 'export PATH="$HOME/tools:$PATH"' >> ~/.bashrc; echo 'export SET_BY=profile' >> ~/.profile`,
  );
  const { stdout } = await fresh.commands.run('echo "$PATH $SET_BY"');
  expect(stdout).toMatch(/^\/home\/user\/bin:\/home\/user\/tools:.* profile\n$/);
  let shown = '';
  const onData = (bytes: Uint8Array): void => void (shown += Buffer.from(bytes).toString());
  const terminal = await fresh.pty.create({ cols: 80, rows: 24, onData });
  await fresh.pty.sendInput(terminal.pid, Buffer.from('cd /tmp\nexit\n'));
  await terminal.wait();
  expect(shown).toContain('user@sandbox:~$ ');
  expect(shown).toContain('user@sandbox:/tmp$ ');
  await fresh.kill();
});

test('a sandbox knows its name and its template', async () => {
  const { stdout } = await sandbox.commands.run(
    'echo $E2B_SANDBOX_ID $E2B_TEMPLATE_ID $E2B_TEAM_ID; cat /run/e2b/.E2B_SANDBOX /run/e2b/.E2B_SANDBOX_ID',
  );
  expect(stdout).toBe(`${sandbox.sandboxId} default local\ntrue${sandbox.sandboxId}`);
});

test('the port of the code interpreter says inside that it is there, whoever keeps it busy', async () => {
  const { stdout } = await sandbox.commands.run(`python3 - <<'end'
import socket, urllib.error, urllib.request
idle = [socket.create_connection(('127.0.0.1', 49999)) for _ in range(40)]
def ask(path):
    try:
        with urllib.request.urlopen('http://localhost:49999' + path) as answer: return answer.status, answer.read()
    except urllib.error.HTTPError as error: return error.code
    except OSError as error: return type(error).__name__
busy = ask('/health')
for each in idle: each.close()
while ask('/health') != (200, b'OK'): pass
print(isinstance(busy, str), ask('/health'), ask('/execute'))
end`);
  expect(stdout).toBe("True (200, b'OK') 404\n");
});

test('Node has room for workers, Python ends cleanly at its limit', { timeout: 30_000 }, async () => {
  const workers = `const { Worker } = require('node:worker_threads');
let left = 3;
for (let at = 0; at < 3; at++) new Worker('setTimeout(() => {}, 200)', { eval: true }).on('exit', (code) => {
  if (code === 0 && --left === 0) console.log('done');
});`;
  await sandbox.files.write('workers.cjs', workers);
  expect((await sandbox.commands.run('node workers.cjs')).stdout).toBe('done\n');
  const hog = `python3 -c "x = bytearray(3 << 30)"`;
  await expect(sandbox.commands.run(hog)).rejects.toMatchObject({
    stderr: expect.stringContaining('MemoryError'),
  });
});

test('programs find what kind of system this is, and the names of its services', async () => {
  for (const file of ['/etc/os-release', '/etc/services']) {
    if (!existsSync(file)) console.log(`skipped: there is no ${file} here`);
    else expect((await sandbox.commands.run(`cat ${file}`)).stdout).toBe(readFileSync(file, 'utf8'));
  }
});
