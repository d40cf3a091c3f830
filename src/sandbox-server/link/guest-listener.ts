import { createServer, type Server, type Socket } from 'node:net';
import { chmod } from 'node:fs/promises';
import { once } from 'node:events';

import { equalSecrets } from '../wire/equal-secrets.ts';
import { FrameKind, FrameReader } from './guest-frames.ts';
import { GuestLink } from './guest-link.ts';
import { parseObject } from './guest-stream.ts';

const HELLO_TIMEOUT_MS = 10_000;
const MAX_HELLO_BYTES = 16_384;

/** Listens for guests on a Unix socket and gives each to whoever expects it by its token. */
export class GuestListener {
  readonly socketPath: string;
  #server: Server;
  #expected = new Map<string, { token: string; arrived: (link: GuestLink) => void }>();
  #sockets = new Set<Socket>();

  constructor(socketPath: string) {
    this.socketPath = socketPath;
    this.#server = createServer((socket) => this.#greet(socket));
  }

  /** Starts to listen. The folder keeps others out; the socket itself is open, for the zygote gives up root's rights. */
  async listen(): Promise<void> {
    this.#server.listen(this.socketPath);
    await once(this.#server, 'listening');
    await chmod(this.socketPath, 0o666);
  }

  /** The link of a guest that says HELLO as `name` with `token`; rejects when `signal` aborts first. */
  expect(name: string, token: string, signal: AbortSignal): Promise<GuestLink> {
    const { promise, resolve, reject } = Promise.withResolvers<GuestLink>();
    const abort = (): void => {
      this.#expected.delete(name);
      reject(signal.reason as Error);
    };
    if (signal.aborted) abort();
    else {
      signal.addEventListener('abort', abort, { once: true });
      this.#expected.set(name, {
        token,
        arrived: (link) => {
          signal.removeEventListener('abort', abort);
          resolve(link);
        },
      });
    }
    return promise;
  }

  /** Stops listening and cuts every connection. */
  async close(): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    if (this.#server.listening) await once(this.#server, 'close');
  }

  #greet(socket: Socket): void {
    this.#sockets.add(socket);
    const reader = new FrameReader();
    const timer = setTimeout(() => socket.destroy(), HELLO_TIMEOUT_MS);
    const refuse = (): void => void socket.destroy();
    let bytes = 0;
    const onData = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes > MAX_HELLO_BYTES) return refuse();
      try {
        for (const frame of reader.push(chunk)) {
          // A guest waits for the server after its HELLO: bytes beyond it are a fault.
          if (frame.streamId !== 0 || frame.kind !== FrameKind.hello) return refuse();
          const hello = parseObject(frame.body);
          socket.off('data', onData).off('error', refuse);
          clearTimeout(timer);
          return this.#hand(socket, hello);
        }
      } catch {
        refuse();
      }
    };
    socket.on('data', onData).on('error', refuse);
    socket.on('close', () => {
      clearTimeout(timer);
      this.#sockets.delete(socket);
    });
  }

  #hand(socket: Socket, hello: Record<string, unknown>): void {
    const { role, name: given, template, token } = hello;
    const name = role === 'zygote' ? zygoteName(String(template)) : sandboxName(String(given));
    const expected = this.#expected.get(name);
    if (!expected || typeof token !== 'string' || !equalSecrets(expected.token, token)) {
      socket.destroy();
      return;
    }
    // A token opens the way once: whoever finds it later finds nothing.
    this.#expected.delete(name);
    expected.arrived(new GuestLink(socket));
  }
}

/** How a template's zygote is expected. */
export function zygoteName(template: string): string {
  return `zygote:${template}`;
}

/** How the supervisor of a sandbox is expected, by what its zygote calls it. */
export function sandboxName(name: string): string {
  return `sandbox:${name}`;
}
