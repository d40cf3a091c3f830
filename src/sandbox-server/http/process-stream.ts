import type { GuestItem, GuestStream } from '../link/guest-stream.ts';
import { Channel } from '../link/guest-frames.ts';
import type { Sandbox } from '../sandbox.ts';
import { ConnectFault } from '../wire/connect-fault.ts';
import { endFrame, messageFrame } from '../wire/connect-frames.ts';
import type { AppContext } from './app-env.ts';
import { PacedReader } from './paced-reader.ts';
import { STREAM_HEADERS } from './rpc.ts';
import { streamResponse } from './stream-response.ts';

const MAX_BATCH_BYTES = 65_536;
const SIGKILL = 9;

/** How long a process may be followed. */
export interface ProcessStreamLimits {
  /** When the stream ends with `deadline_exceeded`. */
  timeoutMs: number | undefined;
  /** Whether the process and its group die then, also where the client has left the stream before; else only the stream ends. */
  killAtDeadline: boolean;
  /** How often a silent stream says that it is alive. */
  keepaliveMs: number | undefined;
}

/** Streams a process's events to the client, who sets the pace. Leaving the stream leaves the process running. */
export function processResponse(
  c: AppContext,
  sandbox: Sandbox,
  stream: GuestStream,
  limits: ProcessStreamLimits,
): Response {
  const reader = new PacedReader(stream, undefined);
  const deadlineAt = limits.timeoutMs === undefined ? undefined : performance.now() + limits.timeoutMs;
  let pid: number | undefined;
  let finished = false;
  let expired = false;

  const kill = (): void => {
    if (pid === undefined) return stream.cancel();
    // Where it has ended already there is nothing to kill, and that is as good.
    sandbox.link.call('process.signal', { pid, signal: SIGKILL, group: true }).catch(() => undefined);
  };
  const timer =
    limits.timeoutMs !== undefined && limits.killAtDeadline
      ? setTimeout(() => {
          expired = true;
          kill();
        }, limits.timeoutMs)
      : undefined;

  const expire = (): Uint8Array => {
    finished = true;
    if (limits.killAtDeadline && !expired) kill();
    return endFrame(new ConnectFault('deadline_exceeded', 'context deadline exceeded'));
  };
  const encode = (item: GuestItem): Uint8Array | undefined => {
    if (item.type === 'event' && typeof item.event['pid'] === 'number') pid = item.event['pid'];
    const event = processEvent(item);
    return event && messageFrame({ event });
  };

  const pull = async (): Promise<Uint8Array | undefined> => {
    while (!finished) {
      const leftMs = deadlineAt === undefined ? undefined : Math.max(0, deadlineAt - performance.now());
      const waitMs = Math.min(leftMs ?? Infinity, limits.keepaliveMs ?? Infinity);
      const first = await reader.within(Number.isFinite(waitMs) ? waitMs : undefined);
      if (expired || (deadlineAt !== undefined && performance.now() >= deadlineAt)) return expire();
      if (first === 'quiet') return messageFrame({ event: { keepalive: {} } });
      const frames: Uint8Array[] = [];
      let bytes = 0;
      let item = first;
      while (item) {
        const frame = encode(item);
        if (frame) frames.push(frame);
        bytes += frame?.length ?? 0;
        item = bytes < MAX_BATCH_BYTES ? reader.takeReady() : undefined;
      }
      if (first === undefined || stream.atEnd) {
        frames.push(await lastFrame(stream));
        finished = true;
      }
      if (frames.length > 0) return frames.length === 1 ? frames[0] : Buffer.concat(frames);
    }
    return undefined;
  };

  return streamResponse(
    c,
    {
      pull: async () => {
        try {
          return await pull();
        } catch (error) {
          finished = true;
          return faultFrame(error);
        }
      },
      close: (how) => {
        if (how !== 'left' || timer === undefined) {
          clearTimeout(timer);
          return stream.cancel();
        }
        void drain(stream).finally(() => clearTimeout(timer));
      },
    },
    { headers: STREAM_HEADERS },
  );
}

async function lastFrame(stream: GuestStream): Promise<Uint8Array> {
  try {
    await stream.next();
    return endFrame();
  } catch (error) {
    return faultFrame(error);
  }
}

/** The last frame for a fault; what is no fault, such as a lost sandbox, is thrown on and cuts the answer. */
function faultFrame(error: unknown): Uint8Array {
  if (error instanceof ConnectFault) return endFrame(error);
  throw error;
}

async function drain(stream: GuestStream): Promise<void> {
  try {
    while (await stream.next());
  } catch {
    // Lost or failed: over in any case.
  }
}

/** A guest's item as the `event` of a ProcessEvent; undefined for what has no place there. */
function processEvent(item: GuestItem): object | undefined {
  if (item.type === 'data') {
    const data = item.bytes.toString('base64');
    if (item.channel === Channel.stdout) return { data: { stdout: data } };
    if (item.channel === Channel.stderr) return { data: { stderr: data } };
    if (item.channel === Channel.pty) return { data: { pty: data } };
    return undefined;
  }
  if (item.type === 'eof') return undefined;
  const { pid, exitCode, signal, status, error } = item.event;
  if (typeof exitCode === 'number') {
    const exited = signal === undefined || signal === null;
    const text = typeof status === 'string' ? status : `exit status ${exitCode}`;
    const failure = typeof error === 'string' ? { error } : {};
    return { end: { exitCode, exited, status: text, ...failure } };
  }
  return typeof pid === 'number' ? { start: { pid } } : undefined;
}
