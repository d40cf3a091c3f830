import { request, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** Headers that are of one connection, and not of what is sent over it. */
const HOP_BY_HOP = /^(connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|:.*)$/;

/** Whether a header is passed on from one connection to the next. */
export function isEndToEnd(name: string): boolean {
  return !HOP_BY_HOP.test(name.toLowerCase());
}

/**
 * Asks over `socket` what `incoming` asked, and answers `outgoing` with what comes back.
 * @throws errors of the socket, and of an answer that is none; the start of an answer may have been sent by then
 */
export async function forward(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  socket: Duplex,
  {
    path,
    headers,
    passes,
  }: { path: string; headers: OutgoingHttpHeaders; passes: (name: string) => boolean },
): Promise<void> {
  outgoing.once('close', () => socket.destroy());
  const onward = request({
    createConnection: () => socket,
    method: incoming.method ?? 'GET',
    path,
    headers: { ...headers, connection: 'close' },
    setHost: false,
  });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    onward.once('response', resolve).once('error', reject);
  });
  incoming.pipe(onward);
  const answer = await answered;
  outgoing.writeHead(answer.statusCode ?? 502, passed(answer.rawHeaders, passes));
  await pipeline(answer, outgoing);
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
