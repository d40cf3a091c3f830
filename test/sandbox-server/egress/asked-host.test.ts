import { createServer, type Socket } from 'node:net';
import { once } from 'node:events';
import { connect as connectTls } from 'node:tls';

import fc from 'fast-check';
import { expect, test } from 'vitest';

import { hostOfHttp, hostOfTls } from '../../../src/sandbox-server/egress/asked-host.ts';

/** What a client of TLS says first. */
async function hello(servername: string | undefined): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const client = connectTls({ port, host: '127.0.0.1', ...(servername ? { servername } : {}) }).on(
    'error',
    () => undefined,
  );
  const [socket] = (await once(server, 'connection')) as [Socket];
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  client.destroy();
  socket.destroy();
  server.close();
  return bytes;
}

/** The same in records of a few bytes each. */
function inPieces(bytes: Buffer, size: number): Buffer {
  const body = bytes.subarray(5);
  const records: Buffer[] = [];
  for (let at = 0; at < body.length; at += size) {
    const piece = body.subarray(at, at + size);
    records.push(Buffer.from([22, 3, 1, piece.length >> 8, piece.length & 255]), piece);
  }
  return Buffer.concat(records);
}

test('a client of TLS names its server, in one record or many', async () => {
  const bytes = await hello('db.example.com');
  expect(hostOfTls(bytes)).toEqual({ host: 'db.example.com' });
  expect(hostOfTls(inPieces(bytes, 7))).toEqual({ host: 'db.example.com' });
  for (let end = 0; end < bytes.length; end++)
    expect(hostOfTls(bytes.subarray(0, end)), `${end}`).toBe('more');
});

test('a client that names no server, or speaks something else, names none', async () => {
  expect(hostOfTls(await hello(undefined))).toEqual({ host: undefined });
  for (const text of ['GET / HTTP/1.1\r\n', 'SSH-2.0-x\r\n', '\x16\x03\x01\0\x01\x02']) {
    expect(hostOfTls(Buffer.from(text, 'latin1')), text).toEqual({ host: undefined });
  }
});

test('bytes of any kind are read to no end but an answer', async () => {
  const bytes = await hello('db.example.com');
  const changes = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { maxLength: 4 });
  fc.assert(
    fc.property(changes, (each) => {
      const changed = Buffer.from(bytes);
      for (const [at, byte] of each) changed[at] = byte;
      const asked = hostOfTls(changed);
      return asked === 'more' || asked.host === undefined || typeof asked.host === 'string';
    }),
    { numRuns: 2_000 },
  );
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }),
      (each) => hostOfTls(Buffer.from(each)) !== undefined && hostOfHttp(Buffer.from(each)) !== undefined,
    ),
  );
});

test.each([
  ['GET / HTTP/1.1\r\nHost: a.example.com\r\n\r\n', 'a.example.com'],
  ['GET / HTTP/1.1\r\nAccept: */*\r\nhost:a.example.com:80 \r\n\r\nbody', 'a.example.com'],
  ['GET http://a.example.com/x HTTP/1.1\r\nHost: a.example.com\r\n\r\n', 'a.example.com'],
  ['GET http://evil.example.org/ HTTP/1.1\r\nHost: a.example.com\r\n\r\n', undefined],
  ['GET / HTTP/1.1\r\nHost: a.example.com\r\nHost: evil.example.org\r\n\r\n', undefined],
  ['GET / HTTP/1.1\r\nHost: a.example.com\r\n Host: evil.example.org\r\n\r\n', undefined],
  ['GET / HTTP/1.1\r\nHost : a.example.com\r\n\r\n', undefined],
  ['GET / HTTP/1.1\r\nHost: a.example.com evil\r\n\r\n', undefined],
  ['GET / HTTP/1.1\r\nHost:\r\n\r\n', undefined],
  ['GET / HTTP/1.0\r\n\r\n', undefined],
  ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', undefined],
  ['SSH-2.0-x\r\n', undefined],
  ['\x16\x03\x01', undefined],
])('%j asks for %s', (text, host) => expect(hostOfHttp(Buffer.from(text, 'latin1'))).toEqual({ host }));

test('a request that has only begun may still name a host', () => {
  for (const text of ['G', 'GET', 'GET / HTTP/1.1', 'GET / HTTP/1.1\r\nHost: a.exam'])
    expect(hostOfHttp(Buffer.from(text))).toBe('more');
});
