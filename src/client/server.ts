import { setMaxListeners } from 'node:events';
import type { Client, Connection, ConnectionOptions } from '@temporalio/client';
import { defaultGrpcRetryOptions, makeGrpcRetryInterceptor } from '@temporalio/client';
import { ClientClosedError } from './errors.ts';
import type { ServerPlace } from './server-errors.ts';

type Interceptor = NonNullable<ConnectionOptions['interceptors']>[number];
type Call = ReturnType<Interceptor>;
/** gRPC's status code of a call that was given up. */
const CANCELLED = 1;

/** A Temporal server as a client sees it, until the client is closed. */
export class Server {
  readonly client: Client;
  readonly place: ServerPlace;
  readonly #closing = new AbortController();

  constructor(client: Client, place: ServerPlace) {
    this.client = client;
    this.place = place;
    // One for each call in flight.
    setMaxListeners(0, this.#closing.signal);
  }

  /** Asks the server something. Throws what `ask` throws, and ClientClosedError as soon as the client is closed. */
  async call<T>(ask: () => Promise<T>): Promise<T> {
    const { signal } = this.#closing;
    if (signal.aborted) throw new ClientClosedError();
    const closed = Promise.withResolvers<never>();
    const calls = new AbortController();
    const onClose = () => {
      closed.reject(new ClientClosedError());
      calls.abort();
    };
    signal.addEventListener('abort', onClose, { once: true });
    try {
      return await Promise.race([closed.promise, this.client.connection.withAbortSignal(calls.signal, ask)]);
    } finally {
      signal.removeEventListener('abort', onClose);
    }
  }

  /** As `call`, for each item. */
  async *iterate<T>(items: AsyncGenerator<T, void, undefined>): AsyncGenerator<T, void, undefined> {
    for (;;) {
      const { done, value } = await this.call(() => items.next());
      if (done) return;
      yield value;
    }
  }

  /** Ends every call in flight and the connection. */
  async close(): Promise<void> {
    this.#closing.abort();
    await (this.client.connection as Connection).close();
  }
}

/**
 * Temporal's own retries, made fit for being closed: they try again after a pause, and on a channel that was closed meanwhile would throw from
 * a timer, where nobody can catch it.
 */
export const closableRetries: Interceptor[] = [
  makeGrpcRetryInterceptor(defaultGrpcRetryOptions()),
  (options, nextCall) => {
    try {
      return nextCall(options) as Call;
    } catch {
      return refusedCall();
    }
  },
];

/** A call that ends at once. */
function refusedCall(): Call {
  const nothing = () => undefined;
  const start: Call['start'] = (metadata, listener) => {
    listener?.onReceiveMessage?.(null);
    listener?.onReceiveStatus?.({ code: CANCELLED, details: 'the client was closed', metadata });
  };
  const sending = { sendMessageWithContext: nothing, sendMessage: nothing, halfClose: nothing };
  const rest = {
    startRead: nothing,
    cancelWithStatus: nothing,
    getPeer: () => '',
    getAuthContext: () => null,
  };
  return { start, ...sending, ...rest } as unknown as Call;
}
