import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';

import { GuestSocket } from '../link/guest-socket.ts';
import { GuestLostError } from '../link/guest-stream.ts';
import type { Sandbox } from '../sandbox.ts';
import type { Sandboxes } from '../sandboxes.ts';
import {
  apiErrorResponse,
  portClosedPage,
  portClosedResponse,
  sandboxGonePage,
  sandboxGoneResponse,
} from '../wire/api-error.ts';
import { equalSecrets } from '../wire/equal-secrets.ts';
import { forward, isEndToEnd, join, requestHead } from '../wire/forward.ts';
import { awake } from './awake.ts';
import { cut } from './cut.ts';
import {
  CODE_INTERPRETER_PORT,
  GUEST_DAEMON_PORT,
  sandboxTarget,
  type HeaderReader,
  type SandboxTarget,
} from './sandbox-target.ts';

/** Headers that are meant for this server alone. */
const OURS = /^(e2b-.*|x-api-key|x-access-token)$/i;
const TRAFFIC_TOKEN = 'e2b-traffic-access-token';

/** Passes requests and upgraded connections on to servers that run in sandboxes. */
export class PortProxy {
  #sandboxes: Sandboxes;

  constructor(sandboxes: Sandboxes) {
    this.#sandboxes = sandboxes;
  }

  /** The port of a sandbox that a request is for; undefined where it is for this server's own services. */
  targetOf(incoming: IncomingMessage): SandboxTarget | undefined {
    const target = sandboxTarget(headerOf(incoming), incoming.url ?? '/');
    const isOwn = target?.port === GUEST_DAEMON_PORT || target?.port === CODE_INTERPRETER_PORT;
    return isOwn ? undefined : target;
  }

  /** Answers a request as the server in the sandbox does. */
  async serve(target: SandboxTarget, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const opened = await this.#open(target, incoming);
    if (opened instanceof Response) return answer(outgoing, opened);
    const { sandbox, socket } = opened;
    try {
      const headers = { ...headersFor(incoming, sandbox, target.port), Connection: 'close' };
      outgoing.once('close', () => socket.destroy());
      await forward(incoming, outgoing, {
        createConnection: () => socket,
        path: target.path,
        headers,
        passes,
      });
    } catch {
      socket.destroy();
      if (outgoing.headersSent) cut(outgoing);
      else
        await answer(
          outgoing,
          apiErrorResponse(502, `the server on port ${target.port} gave no valid answer`),
        );
    }
  }

  /** Passes an upgraded connection on, such as a WebSocket. */
  async upgrade(
    target: SandboxTarget,
    incoming: IncomingMessage,
    client: Duplex,
    head: Buffer,
  ): Promise<void> {
    client.on('error', () => client.destroy());
    const opened = await this.#open(target, incoming);
    if (opened instanceof Response) {
      client.end(`HTTP/1.1 ${opened.status} Refused\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`);
      return;
    }
    const { sandbox, socket } = opened;
    const headers = {
      ...headersFor(incoming, sandbox, target.port),
      Connection: 'Upgrade',
      Upgrade: incoming.headers.upgrade ?? '',
    };
    socket.write(requestHead(incoming.method ?? 'GET', target.path, headers), 'latin1');
    socket.write(head);
    await join(client, socket);
  }

  async #open(
    target: SandboxTarget,
    incoming: IncomingMessage,
  ): Promise<{ sandbox: Sandbox; socket: Duplex } | Response> {
    const { sandboxId, port } = target;
    const sandbox = await awake(this.#sandboxes, sandboxId);
    const isBrowser = /\bMozilla\//.test(headerOf(incoming)('user-agent') ?? '');
    const gone = isBrowser ? sandboxGonePage : sandboxGoneResponse;
    if (!sandbox) return gone(sandboxId);
    const token = headerOf(incoming)(TRAFFIC_TOKEN);
    if (sandbox.network.allowPublicTraffic === false && !equalSecrets(sandbox.trafficToken, token)) {
      return apiErrorResponse(403, `the header ${TRAFFIC_TOKEN} is missing or wrong`);
    }
    try {
      const plain = await GuestSocket.connect(sandbox.link, port);
      if (!sandbox.network.httpsPorts?.includes(port)) return { sandbox, socket: plain };
      // A certificate of the sandbox's own making says nothing, and the way there is no wire.
      const socket = connectTls({ socket: plain, rejectUnauthorized: false });
      socket.on('error', () => socket.destroy());
      return { sandbox, socket };
    } catch (error) {
      if (error instanceof GuestLostError) return gone(sandboxId);
      return (isBrowser ? portClosedPage : portClosedResponse)(sandboxId, port);
    }
  }
}

function passes(name: string): boolean {
  return isEndToEnd(name) && !OURS.test(name);
}

function headerOf({ headers }: IncomingMessage): HeaderReader {
  // HTTP/2 has another name for the host.
  return (name) => [name === 'host' ? (headers.host ?? headers[':authority']) : headers[name]].flat()[0];
}

function headersFor(incoming: IncomingMessage, sandbox: Sandbox, port: number): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = {};
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (passes(name)) headers[canonical(name)] = value;
  }
  const mask = sandbox.network.maskRequestHost;
  const host = headerOf(incoming)('host') ?? 'localhost';
  headers['Host'] = mask === undefined ? host : mask.replaceAll('${PORT}', String(port));
  return headers;
}

/** A header's name as proxies write it and programs that print or compare it expect: `User-Agent`. */
function canonical(name: string): string {
  return name.replace(/(^|-)[a-z]/g, (start) => start.toUpperCase());
}

async function answer(outgoing: ServerResponse, response: Response): Promise<void> {
  if (outgoing.destroyed) return;
  outgoing.writeHead(response.status, {
    'content-type': response.headers.get('content-type') ?? 'application/json',
  });
  outgoing.end(await response.text());
}
