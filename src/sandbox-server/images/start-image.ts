import { setTimeout as sleep } from 'node:timers/promises';

import type { GuestLink } from '../link/guest-link.ts';
import type { GuestStream } from '../link/guest-stream.ts';
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
  const { command, readyCommand } = start;
  const running =
    command === undefined
      ? undefined
      : link.open('process.start', { ...shell(start, command), stdin: false });
  try {
    await running?.next();
    if (readyCommand === undefined) return;
    let failure: unknown;
    if (running) void failureOf(running).then((found) => (failure = found));
    await untilReady(link, shell(start, readyCommand), () => {
      signal.throwIfAborted();
      if (failure === undefined) return;
      throw new NotReadyError(`start command failed: '${command}': ${String(failure)}`);
    });
  } finally {
    // It goes on when nobody listens to it.
    running?.cancel();
  }
}

/** What a command failed with; undefined where it did not, or where nobody listens to it any more. */
async function failureOf(running: GuestStream): Promise<unknown> {
  try {
    let last: Record<string, unknown> = {};
    for (let item = await running.next(); item; item = await running.next()) {
      if (item.type === 'event') last = item.event;
    }
    return last['exitCode'] === 0 ? undefined : last['error'];
  } catch {
    return undefined;
  }
}

/** @param expectGood throws where there is nothing to wait for any more */
async function untilReady(link: GuestLink, check: GuestProcess, expectGood: () => void): Promise<void> {
  const until = performance.now() + READY_TIMEOUT_MS;
  let pauseMs = FIRST_PAUSE_MS;
  while ((await runProcess(link, check)).exitCode !== 0) {
    expectGood();
    if (performance.now() > until) {
      throw new NotReadyError(`'${check.args.at(-1)}' did not succeed within ${READY_TIMEOUT_MS / 1000} s`);
    }
    await sleep(pauseMs);
    pauseMs = Math.min(pauseMs * 1.5, LAST_PAUSE_MS);
  }
  expectGood();
}

function shell({ user, cwd, envs }: ImageStart, command: string): GuestProcess {
  return { cmd: '/bin/bash', args: ['-l', '-c', command], envs, user, cwd };
}
