import { Command } from 'commander';
import { CommandExitError, Sandbox } from '@e2b/code-interpreter';
import { UsageError } from '../cli-error.ts';
import { addSandboxOptions, sandboxConnection, type SandboxConnectionOptions } from './connection.ts';

/** `assay sandbox shell`: a terminal in a sandbox. */
export function shellCommand(): Command {
  const command = new Command('shell')
    .summary('open a terminal in a sandbox')
    .description('Opens a terminal in a sandbox; `exit` or Ctrl-D leaves it.')
    .argument('<id>', 'id of the sandbox');
  return addSandboxOptions(command).action(shell);
}

async function shell(id: string, options: SandboxConnectionOptions): Promise<void> {
  const { stdin, stdout } = process;
  if (!stdin.isTTY || !stdout.isTTY)
    throw new UsageError('a shell needs a terminal: use `assay sandbox exec`');
  const sandbox = await Sandbox.connect(id, sandboxConnection(options));
  const size = (): { cols: number; rows: number } => ({ cols: stdout.columns, rows: stdout.rows });
  const handle = await sandbox.pty.create({
    ...size(),
    timeoutMs: 0,
    onData: (bytes) => void stdout.write(bytes),
  });
  const ignore = (): undefined => undefined;
  const resize = (): void => void sandbox.pty.resize(handle.pid, size()).catch(ignore);
  // One after the other: keys that overtake each other are typing errors.
  let sent: Promise<unknown> = Promise.resolve();
  const type = (bytes: Buffer): void => {
    sent = sent.then(() => sandbox.pty.sendInput(handle.pid, bytes)).catch(ignore);
  };
  stdin.setRawMode(true);
  stdin.on('data', type);
  stdout.on('resize', resize);
  try {
    await handle.wait();
  } catch (error) {
    if (!(error instanceof CommandExitError)) throw error;
    process.exitCode = Math.max(0, error.exitCode);
  } finally {
    stdin.off('data', type).setRawMode(false).destroy();
    stdout.off('resize', resize);
  }
}
