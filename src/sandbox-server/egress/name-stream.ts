import type { Duplex } from 'node:stream';

import type { NameServer } from './name-server.ts';

const IDLE_MS = 10_000;
const LENGTH_BYTES = 2;
/** As for datagrams; no honest question is longer. */
const MAX_QUESTION_BYTES = 512;

/** Answers questions for names that come over a connection, one after the other, each after its length. Resolves when it is over. */
export async function serveNames(client: Duplex, names: NameServer): Promise<void> {
  const idle = setTimeout(() => client.destroy(), IDLE_MS);
  let buffer = Buffer.alloc(0);
  try {
    for await (const chunk of client) {
      buffer = Buffer.concat([buffer, chunk as Buffer]);
      while (buffer.length >= LENGTH_BYTES) {
        const size = buffer.readUInt16BE(0);
        if (size > MAX_QUESTION_BYTES) return;
        if (buffer.length < LENGTH_BYTES + size) break;
        const answer = await names.answer(buffer.subarray(LENGTH_BYTES, LENGTH_BYTES + size), false);
        buffer = buffer.subarray(LENGTH_BYTES + size);
        if (answer === undefined) return;
        const length = Buffer.alloc(LENGTH_BYTES);
        length.writeUInt16BE(answer.length);
        client.write(Buffer.concat([length, answer]));
        idle.refresh();
      }
    }
    client.end();
  } catch {
    // It was cut.
  } finally {
    clearTimeout(idle);
    if (!client.writableEnded) client.destroy();
  }
}
