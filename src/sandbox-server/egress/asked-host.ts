/** What the first bytes of a connection say: the host that is asked for, `undefined` where they name none, or that there have to be more. */
export type AskedHost = { host: string | undefined } | 'more';

const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
const RECORD_HEAD_BYTES = 5;
const HANDSHAKE_HEAD_BYTES = 4;
/** Version and random of a ClientHello. */
const HELLO_HEAD_BYTES = 34;
const SERVER_NAME = 0;

/** Reads bytes in their order. */
class Reader {
  #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isOver(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** @throws RangeError where there are fewer */
  take(size: number): Buffer {
    const end = this.#at + size;
    if (end > this.#bytes.length) throw new RangeError('there is less than it says');
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }

  number(bytes: number): number {
    return this.take(bytes).readUIntBE(0, bytes);
  }

  /** What follows its own length. */
  vector(lengthBytes: number): Buffer {
    return this.take(this.number(lengthBytes));
  }
}

/** The server name of a TLS connection that begins with these bytes. */
export function hostOfTls(bytes: Buffer): AskedHost {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    if (bytes[at] !== HANDSHAKE) return { host: undefined };
    if (bytes.length < at + RECORD_HEAD_BYTES) break;
    const end = at + RECORD_HEAD_BYTES + bytes.readUInt16BE(at + 3);
    pieces.push(bytes.subarray(at + RECORD_HEAD_BYTES, end));
    at = end;
  }
  const handshake = Buffer.concat(pieces);
  if (handshake.length > 0 && handshake[0] !== CLIENT_HELLO) return { host: undefined };
  if (handshake.length < HANDSHAKE_HEAD_BYTES) return 'more';
  const size = handshake.readUIntBE(1, 3);
  if (handshake.length < HANDSHAKE_HEAD_BYTES + size) return 'more';
  try {
    return { host: serverName(handshake.subarray(HANDSHAKE_HEAD_BYTES, HANDSHAKE_HEAD_BYTES + size)) };
  } catch {
    return { host: undefined };
  }
}

function serverName(hello: Buffer): string | undefined {
  const reader = new Reader(hello);
  reader.take(HELLO_HEAD_BYTES);
  reader.vector(1); // The session.
  reader.vector(2); // Ciphers.
  reader.vector(1); // Compression.
  const names: string[] = [];
  for (const extensions = new Reader(reader.vector(2)); !extensions.isOver;) {
    const kind = extensions.number(2);
    const body = extensions.vector(2);
    if (kind !== SERVER_NAME) continue;
    for (const list = new Reader(new Reader(body).vector(2)); !list.isOver;) {
      list.number(1); // The kind of name, of which there is one.
      names.push(list.vector(2).toString('latin1'));
    }
  }
  return names.length === 1 ? names[0] : undefined;
}

/** The host of an HTTP request that a connection begins with. One that is said twice, in different ways, is none. */
export function hostOfHttp(bytes: Buffer): AskedHost {
  const text = bytes.toString('latin1');
  const end = text.search(/\r?\n\r?\n/);
  if (end === -1) return /^[A-Z]{1,20}( |$)/.test(text) ? 'more' : { host: undefined };
  const [request = '', ...fields] = text.slice(0, end).split(/\r?\n/);
  const target = /^[A-Z]+ (\S+) HTTP\/1\.[01]$/.exec(request)?.[1];
  const hosts = fields.filter((field) => /^\s*host\s*:/i.test(field));
  const host = /^host:[ \t]*([\w.-]+|\[[\da-f:]+\])(:\d+)?[ \t]*$/i.exec(hosts[0] ?? '')?.[1];
  if (target === undefined || hosts.length !== 1 || host === undefined) return { host: undefined };
  const named = /^[a-z]+:\/\/([^/?#]*)/i.exec(target)?.[1]?.replace(/:\d+$/, '');
  return { host: named === undefined || named.toLowerCase() === host.toLowerCase() ? host : undefined };
}
