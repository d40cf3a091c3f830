import type { ConnectNeeds, Connection } from './connection.ts';
import type { ConnectionOptions } from './connection-options.ts';
import { Interrupt } from './interrupt.ts';

/** Runs a command's work with a server, and cleans up whatever happens. Ctrl-C aborts the signal that the work is given. */
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
    return await work(connection, signal);
  } finally {
    await connection.close();
  }
}
