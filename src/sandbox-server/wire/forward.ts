import {
  request,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type RequestOptions,
  type ServerResponse,
} from 'node:http';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** Headers that are of one connection, and not of what is sent over it. */
const HOP_BY_HOP = /^(connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|:.*)$/;

/** Whether a header is passed on from one connection to the next. */
export function isEndToEnd(name: string): boolean {
  return !HOP_BY_HOP.test(name.toLowerCase());
}

/**
 * Asks onward what `incoming` asked, and answers `outgoing` with what comes back.
 * @throws errors of the connection, and of an answer that is none; the start of an answer may have been sent by then
 */
export async function forward(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  {
    passes,
    headers,
    ...onto
  }: Pick<RequestOptions, 'agent' | 'createConnection' | 'host' | 'path'> & {
    headers: OutgoingHttpHeaders;
    passes: (name: string) => boolean;
  },
): Promise<void> {
  // Else a body of unknown length, of a method that seldom has one, would be read as the next request.
  const isChunked = incoming.headers['transfer-encoding'] !== undefined;
  const onward = request({
    ...onto,
    method: incoming.method ?? 'GET',
    headers: { ...headers, ...(isChunked && { 'Transfer-Encoding': 'chunked' }) },
    setHost: false,
  });
  outgoing.once('close', () => {
    if (!outgoing.writableFinished) onward.destroy();
  });
  // Where it answered without having heard all, the rest is not wanted.
  onward.once('close', () => incoming.unpipe(onward).resume());
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    onward.once('response', resolve).on('error', reject);
    // Such as one that says it speaks something else from here on.
    onward.once('close', () => reject(new Error('it gave no answer')));
  });
  incoming.pipe(onward);
  const answer = await answered;
  outgoing.writeHead(answer.statusCode ?? 502, passed(answer.rawHeaders, passes));
  await pipeline(answer, outgoing);
}

/** How a request begins that is written by hand, for what follows it is no HTTP. */
export function requestHead(method: string, path: string, headers: OutgoingHttpHeaders): string {
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    [value].flat().map((each) => `${name}: ${String(each)}\r\n`),
  );
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
}

/** Refuses a request over the bare connection that it came on, which is of no other use. */
export function refuse(client: Duplex, status: number, text: string): void {
  client.end(
    `HTTP/1.1 ${status} Refused\r\ncontent-type: text/plain\r\ncontent-length: ${Buffer.byteLength(text)}\r\n` +
      `connection: close\r\n\r\n${text}`,
  );
}

/** Lets two connections talk to each other until both have ended. */
export async function join(a: Duplex, b: Duplex): Promise<void> {
  await Promise.allSettled([pipeline(a, b), pipeline(b, a)]);
}

/** As they came, so that repeated ones stay apart. */
function passed(raw: string[], passes: (name: string) => boolean): string[] {
  const headers: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const [name = '', value = ''] = raw.slice(i, i + 2);
    if (passes(name)) headers.push(name, value);
  }
  return headers;
}
