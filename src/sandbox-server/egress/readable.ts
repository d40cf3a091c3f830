import type { Readable } from 'node:stream';

const EVENTS = ['readable', 'end', 'close'];

/** Resolves when a stream may have more to be read, is over, or `signal` aborts. */
export function readable(stream: Readable, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      for (const event of EVENTS) stream.off(event, done);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    for (const event of EVENTS) stream.on(event, done);
    signal?.addEventListener('abort', done);
  });
}
