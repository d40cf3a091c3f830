import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assayHome } from '../../src/home.ts';

/** An Assay home of a test's own, with the toolchain of the real one. */
export interface TempHome extends Disposable {
  path: string;
  /** Folder for temporary files of what the test starts. */
  temp: string;
  env: NodeJS.ProcessEnv;
}

export function tempHome(): TempHome {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'assay-t-')));
  const path = join(folder, 'home');
  const temp = join(folder, 'tmp');
  mkdirSync(temp);
  const real = assayHome();
  mkdirSync(path);
  for (const name of ['node', 'python', 'templates', 'cache'])
    if (readdirSync(real).includes(name)) symlinkSync(join(real, name), join(path, name));
  return {
    path,
    temp,
    env: { ...process.env, ASSAY_HOME: path, TMPDIR: temp, ASSAY_STORE: '' },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Every process whose environment names this home: all that a stack of it has started, whoever its parent is now. */
export function processesOf(home: string): { pid: number; command: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
        const zombie = /\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
        return environment.includes(`ASSAY_HOME=${home}`) && !zombie ? [{ pid: Number(pid), command }] : [];
      } catch {
        return [];
      }
    });
}

/** Waits until a condition holds; fails with what was awaited. */
export async function until(what: string, condition: () => unknown, withinMs = 20_000): Promise<void> {
  const end = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`${what}: not within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
