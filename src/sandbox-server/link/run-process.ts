import { createReadStream } from 'node:fs';

import { Channel } from './guest-frames.ts';
import type { GuestLink } from './guest-link.ts';
import type { GuestStream } from './guest-stream.ts';

/** A program to run in a sandbox. */
export interface GuestProcess {
  cmd: string;
  args: string[];
  user: string;
  /** Default: the home folder. */
  cwd?: string;
  envs?: Record<string, string>;
}

/** What happens while it runs. */
export interface ProcessHandlers {
  /** A file of the host for its stdin; without one it has none. */
  input?: string;
  onStdout?: (bytes: Buffer) => void | Promise<void>;
  onStderr?: (bytes: Buffer) => void;
}

/** How it ended. */
export interface ProcessEnd {
  /** -1 where a signal ended it. */
  exitCode: unknown;
  /** The guest's words for an end that is not 0. */
  error: unknown;
  /** Why not all of the input reached it; the exit code often says more. */
  unsent: Error | undefined;
}

/** Runs a program in a sandbox to its end. @throws ConnectFault where it cannot be started · GuestLostError · what a handler throws */
export async function runProcess(
  link: GuestLink,
  { envs = {}, ...program }: GuestProcess,
  { input, onStdout, onStderr }: ProcessHandlers = {},
): Promise<ProcessEnd> {
  const stream = link.open('process.start', { ...program, envs, stdin: input !== undefined });
  const sent = input === undefined ? undefined : sendFile(stream, input);
  let last: Record<string, unknown> = {};
  try {
    for (let item = await stream.next(); item; item = await stream.next()) {
      if (item.type === 'event') last = item.event;
      else if (item.type === 'data' && item.channel === Channel.stdout) await onStdout?.(item.bytes);
      else if (item.type === 'data') onStderr?.(item.bytes);
    }
  } catch (error) {
    stream.cancel();
    throw error;
  }
  return { exitCode: last['exitCode'], error: last['error'], unsent: await sent };
}

/** Why it could not be sent, if it could not. What was sent is followed by its end in any case, so that the program ends too. */
async function sendFile(stream: GuestStream, path: string): Promise<Error | undefined> {
  try {
    for await (const piece of createReadStream(path)) await stream.write(Channel.body, piece as Buffer);
    return undefined;
  } catch (error) {
    return error as Error;
  } finally {
    stream.writeEof();
  }
}
