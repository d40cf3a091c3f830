import type { ConnectNeeds, Connection } from './connection.ts';
import type { ConnectionOptions } from './connection-options.ts';
import { Interrupt } from './interrupt.ts';

/**
 * Runs a command's work with a server, and cleans up whatever happens. Ctrl-C aborts the signal that the work is given. Where the server is the
 * command's own and is given up, so is the work.
 */
export async function withConnection<T>(
  options: ConnectionOptions,
  needs: Omit<ConnectNeeds, 'signal'>,
  work: (connection: Connection, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  using interrupt = new Interrupt();
  const { signal } = interrupt;
  // Loaded only here, so that help, completions and bad input do without Temporal's client.
  const { connect } = await import('./connection.ts');
  const connection = await connect(options, { ...needs, signal });
  try {
    signal.throwIfAborted();
    return await Promise.race([work(connection, signal), givenUp(connection.failed)]);
  } finally {
    await connection.close();
  }
}

/** Rejects with the reason when the signal is aborted. */
export function givenUp(failed: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    if (failed?.aborted) reject(failed.reason as Error);
    failed?.addEventListener('abort', () => reject(failed.reason as Error), { once: true });
  });
}
