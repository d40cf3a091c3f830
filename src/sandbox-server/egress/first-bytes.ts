import type { Duplex } from 'node:stream';

import type { AskedHost } from './asked-host.ts';
import { readable } from './readable.ts';

const MAX_BYTES = 16_384;
/** Who opens a connection of TLS or HTTP speaks first and at once. */
const PATIENCE_MS = 5_000;

/** The host that the first bytes of a connection ask for; they are put back. Undefined where they name none, or do not come. */
export async function hostAskedFor(
  client: Duplex,
  parse: (bytes: Buffer) => AskedHost,
): Promise<string | undefined> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), PATIENCE_MS);
  let bytes = Buffer.alloc(0);
  try {
    while (bytes.length < MAX_BYTES && !late.signal.aborted) {
      const chunk = client.read() as Buffer | null;
      if (chunk === null) {
        if (client.readableEnded || client.destroyed) return undefined;
        await readable(client, late.signal);
        continue;
      }
      bytes = Buffer.concat([bytes, chunk]);
      const asked = parse(bytes);
      if (asked !== 'more') return asked.host;
    }
    return undefined;
  } finally {
    clearTimeout(timer);
    // Not where it has ended: nothing can follow, and nothing that is whole came before.
    if (bytes.length > 0 && !client.readableEnded && !client.destroyed) client.unshift(bytes);
  }
}
