import { Command } from 'commander';
import { CommandExitError, Sandbox, TimeoutError } from '@e2b/code-interpreter';
import { CliError } from '../cli-error.ts';
import { EXIT } from '../exit-codes.ts';
import { Interrupt } from '../interrupt.ts';
import { nameValue, number } from '../run-options.ts';
import { addSandboxOptions, sandboxConnection, type SandboxConnectionOptions } from './connection.ts';

interface ExecOptions extends SandboxConnectionOptions {
  cwd?: string;
  env: Record<string, string>;
  timeout?: number;
}

/** `assay sandbox exec`: a command in a sandbox, with its output, its input and its exit code. */
export function execCommand(): Command {
  const command = new Command('exec')
    .summary('run a command in a sandbox')
    .description(
      'Runs a command in a sandbox. What it prints, what it is told on stdin and its exit code pass through.',
    )
    .argument('<id>', 'id of the sandbox')
    .argument('<command...>', 'one word is a line for the shell, more are a program and its arguments')
    .option('--cwd <folder>', 'where it runs (default: the home folder)')
    .option('-e, --env <name=value>', 'a variable; may be repeated', nameValue, {})
    .option('--timeout <seconds>', 'ends it after so long (default: never)', number(0.1, 86_400))
    .addHelpText(
      'after',
      '\nExamples:\n  assay sandbox exec ID "ls | wc -l"\n  assay sandbox exec ID -- python3 solve.py --fast',
    );
  return addSandboxOptions(command).action(exec);
}

async function exec(id: string, words: string[], options: ExecOptions): Promise<void> {
  using interrupt = new Interrupt();
  const sandbox = await Sandbox.connect(id, sandboxConnection(options));
  const piped = !process.stdin.isTTY;
  const handle = await sandbox.commands.run(shellLine(words), {
    background: true,
    stdin: piped,
    timeoutMs: (options.timeout ?? 0) * 1000,
    envs: options.env,
    ...(options.cwd !== undefined && { cwd: options.cwd }),
    onStdout: (text) => void process.stdout.write(text),
    onStderr: (text) => void process.stderr.write(text),
  });
  const stop = (): void => void handle.kill().catch(() => undefined);
  interrupt.signal.addEventListener('abort', stop);
  if (piped) void feed(sandbox, handle.pid);
  try {
    await handle.wait();
  } catch (error) {
    interrupt.signal.throwIfAborted();
    if (error instanceof TimeoutError) {
      throw new CliError('timeout', `the command did not end within ${options.timeout} s`, EXIT.error);
    }
    if (!(error instanceof CommandExitError)) throw error;
    // A signal has no exit code of its own: as shells have it.
    process.exitCode = error.exitCode < 0 ? EXIT.error : error.exitCode;
  } finally {
    process.stdin.destroy();
  }
}

/** Hands on what comes in; a command that no longer reads is none of our business. */
async function feed(sandbox: Sandbox, pid: number): Promise<void> {
  try {
    for await (const chunk of process.stdin) await sandbox.commands.sendStdin(pid, chunk as Buffer);
    await sandbox.commands.closeStdin(pid);
  } catch {
    // It has ended, or reads no more.
  }
}

/** One word is the user's own line; several are quoted, so that each stays one. */
export function shellLine(words: string[]): string {
  if (words.length === 1) return words[0] as string;
  return words
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(' ');
}
