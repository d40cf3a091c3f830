import { execFile } from 'node:child_process';
import { access, constants, mkdir, readFile, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PROJECT_ROOT } from '../../home.ts';
import { isFree } from '../ports.ts';
import { USUAL_PORTS } from '../stack.ts';
import type { StackRecord } from '../stack-record.ts';
import { findPython, findTemporal } from '../toolchain.ts';
import { fail, ok, warn, type Check, type Finding } from './check.ts';

const run = promisify(execFile);
const SETUP = 'npm run setup';
const LOW_BYTES = 2 * 1024 ** 3;
const FULL_BYTES = 200 * 1024 ** 2;

/** Programs, packages, ports and disk of this machine. */
export function machineChecks(
  home: string,
  env: NodeJS.ProcessEnv,
  running: StackRecord | undefined,
): Check[] {
  return [
    { name: 'Node', look: () => nodeVersion(process.versions.node) },
    { name: 'npm packages', look: npmPackages },
    { name: 'Python', look: () => versionOf(findPython(env), ['--version']) },
    { name: 'Temporal CLI', look: () => versionOf(findTemporal(env), ['--version']) },
    { name: 'ports', look: () => ports(running) },
    { name: 'disk', look: () => disk(home) },
  ];
}

export function nodeVersion(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const fits = major > 22 || (major === 22 && minor >= 18);
  const found = `${version} (${process.execPath})`;
  return fits ? ok(found) : fail(`${found}; 22.18 or newer is needed`, SETUP);
}

async function npmPackages(): Promise<Finding> {
  if (PROJECT_ROOT.includes('/node_modules/')) return ok('installed as a package');
  const installed = await stat(join(PROJECT_ROOT, 'node_modules/.package-lock.json')).catch(() => undefined);
  if (!installed) return fail('node_modules is missing or half made', SETUP);
  const lock = await stat(join(PROJECT_ROOT, 'package-lock.json'));
  if (lock.mtimeMs <= installed.mtimeMs) return ok('as package-lock.json names them');
  const stamped = await access(join(PROJECT_ROOT, 'node_modules/.assay-stamp')).then(
    () => true,
    () => false,
  );
  return stamped ? ok('installed by set-up') : warn('older than package-lock.json', SETUP);
}

async function versionOf(program: string, args: string[]): Promise<Finding> {
  const { stdout } = await run(program, args, { timeout: 20_000 });
  return ok(`${stdout.trim().split('\n')[0]} (${program})`);
}

async function ports(running: StackRecord | undefined): Promise<Finding> {
  if (running) return ok(`in use by assay dev (pid ${running.owner.pid})`);
  const taken: string[] = [];
  for (const [name, port] of Object.entries(USUAL_PORTS))
    if (!(await isFree(port))) taken.push(`${port} (${name})`);
  if (taken.length === 0) return ok(`${Object.values(USUAL_PORTS).join(', ')} are free`);
  return warn(
    `taken by another program: ${taken.join(', ')}`,
    'assay dev takes the next free ones, or --port, --ui-port, --sandbox-port',
  );
}

async function disk(home: string): Promise<Finding> {
  await mkdir(home, { recursive: true });
  await access(home, constants.W_OK);
  const { bavail, bsize } = await statfs(home);
  const free = bavail * bsize;
  const found = `${(free / 1024 ** 3).toFixed(1)} GB free at ${home}`;
  const mend = `free some space there, or set ASSAY_HOME to another disk`;
  return free < FULL_BYTES ? fail(found, mend) : free < LOW_BYTES ? warn(found, mend) : ok(found);
}

/** A kernel setting as its text; undefined where this kernel has none of that name. */
export function kernelSetting(name: string): Promise<string | undefined> {
  return readFile(`/proc/sys/${name.replaceAll('.', '/')}`, 'utf8').then(
    (text) => text.trim(),
    () => undefined,
  );
}
