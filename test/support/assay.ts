import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { PROJECT_ROOT } from '../../src/home.ts';

export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  input?: string | Uint8Array;
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** Called with the process, to signal it. */
  onStart?: (child: ReturnType<typeof spawn>) => void;
}

/** Runs the real CLI and waits for its end. */
export function assay(args: string[], { input, env, cwd, onStart }: RunOptions = {}): Promise<Outcome> {
  return runProgram(join(PROJECT_ROOT, 'bin/assay'), args, { input, env, cwd, onStart } as RunOptions);
}

export function runProgram(program: string, args: string[], options: RunOptions = {}): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: { ...cleanEnv(), ...options.env },
      cwd: options.cwd,
      stdio: 'pipe',
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
    options.onStart?.(child);
  });
}

/** Whether the CLI hears Ctrl-C by now: it does from when it hears SIGHUP, which Node by itself never catches. */
export function hearsCtrlC({ pid }: ReturnType<typeof spawn>): boolean {
  const [, caught] = /SigCgt:\s*(\w+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))!;
  return (BigInt(`0x${caught}`) & (1n << BigInt(constants.signals.SIGHUP - 1))) !== 0n;
}

/** A folder of the test's own. */
export function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'assay-cli-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The environment without what would point the CLI to a server of this machine's user. */
function cleanEnv(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(TEMPORAL_|ASSAY_|E2B_)/.test(name));
  const paths = Object.entries(process.env).filter(
    ([name]) => name === 'ASSAY_HOME' || name === 'ASSAY_NODE',
  );
  return { ...Object.fromEntries([...kept, ...paths]), NO_COLOR: '1' };
}
