import { setTimeout as sleep } from 'node:timers/promises';

import type { GuestLink } from '../link/guest-link.ts';
import { runProcess, type GuestProcess } from '../link/run-process.ts';
import type { ImageStart } from './image-store.ts';

const READY_TIMEOUT_MS = 120_000;
const FIRST_PAUSE_MS = 20;
const LAST_PAUSE_MS = 1_000;

/** The command of a template did not become ready. */
export class NotReadyError extends Error {
  override readonly name = 'NotReadyError';
  readonly code = 'not-ready';
}

/** Runs what a template starts with, and waits until it says that it is ready. @throws NotReadyError · GuestLostError */
export async function startImage(link: GuestLink, start: ImageStart, signal: AbortSignal): Promise<void> {
  if (start.command !== undefined) await launch(link, start, start.command);
  if (start.readyCommand === undefined) return;
  const until = performance.now() + READY_TIMEOUT_MS;
  let pauseMs = FIRST_PAUSE_MS;
  const check = shell(start, start.readyCommand);
  while ((await runProcess(link, check)).exitCode !== 0) {
    signal.throwIfAborted();
    if (performance.now() > until) {
      throw new NotReadyError(`'${start.readyCommand}' did not succeed within ${READY_TIMEOUT_MS / 1000} s`);
    }
    await sleep(pauseMs, undefined, { signal });
    pauseMs = Math.min(pauseMs * 1.5, LAST_PAUSE_MS);
  }
}

/** Starts a command that goes on when nobody listens to it. */
async function launch(link: GuestLink, start: ImageStart, command: string): Promise<void> {
  const stream = link.open('process.start', { ...shell(start, command), stdin: false });
  await stream.next();
  stream.cancel();
}

function shell({ user, cwd, envs }: ImageStart, command: string): GuestProcess {
  return { cmd: '/bin/bash', args: ['-l', '-c', command], envs, user, cwd };
}
