import type { AppContext } from './app-env.ts';
import { cut } from './cut.ts';

/** A streamed answer: where its bytes come from, and what to do when the client goes away before the end. */
export interface StreamSource {
  /**
   * The next bytes; undefined at a clean end. A rejection cuts the connection, so that no client takes what it has for
   * the whole.
   */
  pull: () => Promise<Uint8Array | undefined>;
  /** Called once, whether the stream ended, failed or was left by the client. */
  close: (how: 'done' | 'failed' | 'left') => void;
}

/** Answers with a stream whose headers go out at once and whose pace the client sets. */
export function streamResponse(
  c: AppContext,
  source: StreamSource,
  init: { status?: number; headers: Record<string, string> },
): Response {
  let closed = false;
  const close = (how: 'done' | 'failed' | 'left'): void => {
    if (closed) return;
    closed = true;
    source.close(how);
  };
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const bytes = await source.pull();
          if (closed) return;
          if (bytes) return controller.enqueue(bytes);
          close('done');
          controller.close();
        } catch (error) {
          if (closed) return;
          close('failed');
          const outgoing = c.env?.outgoing;
          // A cut is quiet, where a failed stream would be printed by the HTTP adapter.
          if (outgoing) cut(outgoing);
          else controller.error(error);
        }
      },
      cancel: () => close('left'),
    },
    { highWaterMark: 0 },
  );
  return new Response(body, init);
}
