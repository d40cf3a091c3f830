import { isIP, type Socket } from 'node:net';

import { readable } from './readable.ts';

/** A SOCKS5 proxy (RFC 1928) that a sandbox's connections go through, by E2B's names. */
export interface SocksProxy {
  /** `HOST:PORT`; an IPv6 address is in brackets. */
  address: string;
  /** Both of 255 bytes at most (RFC 1929). */
  username?: string;
  password?: string;
}

/** A proxy refuses a connection, or does not speak SOCKS5. */
export class SocksError extends Error {
  override readonly name = 'SocksError';
  readonly code = 'socks-failed';
}

const VERSION = 5;
const LOGIN_VERSION = 1;
const METHOD = { none: 0, login: 2 };
const CONNECT = 1;
const KIND = { ipv4: 1, name: 3, ipv6: 4 };
const BOUND_BYTES: Record<number, number> = { [KIND.ipv4]: 4, [KIND.ipv6]: 16 };

/** The host and port of a proxy's address; undefined where it is none. */
export function hostAndPort(address: string): { host: string; port: number } | undefined {
  const [, bracketed, plain, digits] =
    /^(?:\[([\da-f:.]+)\]|([\w.-]{1,253})):(\d{1,5})$/i.exec(address) ?? [];
  const [host, port] = [bracketed ?? plain, Number(digits)];
  if (host === undefined || port < 1 || port > 65_535 || (bracketed && isIP(bracketed) !== 6))
    return undefined;
  return { host, port };
}

/**
 * Asks a proxy that is connected to for a connection to `host`, an address or a name that it resolves.
 * @throws SocksError · errors of the network
 */
export async function askProxy(
  socket: Socket,
  { username, password = '' }: SocksProxy,
  host: string,
  port: number,
): Promise<void> {
  const methods = username === undefined ? [METHOD.none] : [METHOD.none, METHOD.login];
  socket.write(Buffer.from([VERSION, methods.length, ...methods]));
  const [version, method] = await take(socket, 2);
  if (version !== VERSION) throw new SocksError('the proxy does not speak SOCKS5');
  if (method === METHOD.login && username !== undefined) {
    socket.write(Buffer.concat([Buffer.from([LOGIN_VERSION]), counted(username), counted(password)]));
    const [, status] = await take(socket, 2);
    if (status !== 0) throw new SocksError('the proxy does not know this user');
  } else if (method !== METHOD.none) throw new SocksError('the proxy asks for a login that there is not');

  const tail = Buffer.alloc(2);
  tail.writeUInt16BE(port);
  socket.write(Buffer.concat([Buffer.from([VERSION, CONNECT, 0]), target(host), tail]));
  const [, status = 255, , kind = 0] = await take(socket, 4);
  if (status !== 0) throw new SocksError(`the proxy refuses ${host}:${port} (${status})`);
  const bound = kind === KIND.name ? (await take(socket, 1))[0] : BOUND_BYTES[kind];
  if (bound === undefined) throw new SocksError('the proxy does not speak SOCKS5');
  await take(socket, bound + 2);
}

function target(host: string): Buffer {
  const family = isIP(host);
  if (family === 0) return Buffer.concat([Buffer.from([KIND.name]), counted(host)]);
  if (family === 4) return Buffer.from([KIND.ipv4, ...host.split('.').map(Number)]);
  return Buffer.from([KIND.ipv6, ...groups(host)]);
}

/** The bytes of an IPv6 address. */
function groups(address: string): number[] {
  const { hostname } = new URL(`http://[${address}]/`);
  const [head = '', tail] = hostname.slice(1, -1).split('::');
  const words = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((each) => parseInt(each, 16));
  const [first, last] = [words(head), words(tail ?? '')];
  const all = [...first, ...Array<number>(8 - first.length - last.length).fill(0), ...last];
  return all.flatMap((word) => [word >> 8, word & 255]);
}

function counted(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}

/** The next bytes, and none beyond them. @throws SocksError where it ends before */
async function take(socket: Socket, size: number): Promise<Buffer> {
  let bytes = Buffer.alloc(0);
  while (bytes.length < size) {
    // All that there is, for as long as anything is left a stream goes on to say that it is readable.
    const chunk = socket.read() as Buffer | null;
    if (chunk !== null) bytes = Buffer.concat([bytes, chunk]);
    else if (socket.readableEnded || socket.destroyed) {
      throw new SocksError('the proxy has ended the connection');
    } else await readable(socket);
  }
  if (bytes.length > size) socket.unshift(bytes.subarray(size));
  return bytes.subarray(0, size);
}
