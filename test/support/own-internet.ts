import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { findPython } from '../../src/embedded/toolchain.ts';
import type { Request } from './own-internet/inside.ts';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
/** Of documentation, by RFC 5737 and RFC 3849: nobody's anywhere. */
const NETWORKS = '203.0.113.0/24,2001:db8::/32';

interface Message {
  ready?: { apiKey: string; pid: number };
  id?: number;
  value?: unknown;
  error?: string;
}

/** A sandbox server with an internet of the test's own, both in a network that is apart from this machine's. */
export interface OwnInternet {
  connection: { apiKey: string; apiUrl: string; sandboxUrl: string; retries: number };
  /** Of the sandbox server. */
  pid: number;
  /** Lets a server of the test, which must not listen yet, serve an address of that internet. */
  serve(server: Server, address: string, port: number): Promise<void>;
  /** Says what names stand for, by `TYPE name`. */
  setNames(records: Record<string, unknown[]>, isSilent?: boolean): Promise<void>;
  /** The names that were asked for since the last call. */
  askedNames(): Promise<string[]>;
  /** Resets what is open to a port of that internet, as a Unix socket cannot. */
  reset(port: number): Promise<void>;
  log(): Promise<Record<string, unknown>[]>;
  stop(): Promise<void>;
}

/** Starts one. `main` is the server's program, by default the project's own. */
export async function startOwnInternet(args: string[] = [], main = ''): Promise<OwnInternet> {
  const folder = mkdtempSync(join(tmpdir(), 'assay-internet-'));
  const bridge = join(folder, 'bridge');
  const python = findPython();
  const node = [process.execPath, '--disable-warning=ExperimentalWarning'];
  const program = [...node, join(ROOT, 'test/support/own-internet/inside.ts'), bridge, JSON.stringify(args)];
  const child = spawn(
    python,
    [
      '-B',
      join(ROOT, 'test/support/own-internet/enter.py'),
      ROOT,
      NETWORKS,
      ...program,
      ...(main ? [main] : []),
    ],
    { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
  );
  const exited = once(child, 'exit');
  const waiting = new Map<number, (answer: Message) => void>();
  const ready = new Promise<{ apiKey: string; pid: number }>((resolve, reject) => {
    child.on('message', (message: Message) => {
      if (message.ready) resolve(message.ready);
      else waiting.get(message.id ?? 0)?.(message);
    });
    void exited.then(() => reject(new Error('the server with an internet of its own ended')));
  });
  const { apiKey, pid } = await ready;
  let nextId = 1;
  const ask = async (request: Request): Promise<unknown> => {
    const id = nextId++;
    const { value, error } = await new Promise<Message>((resolve) => {
      waiting.set(id, resolve);
      child.send({ id, request });
    });
    waiting.delete(id);
    if (error) throw new Error(error);
    return value;
  };

  const door = createServer({ noDelay: true }, (near) => {
    const far = connect(bridge);
    near.pipe(far).pipe(near);
    near.on('error', () => far.destroy()).on('close', () => far.destroy());
    far.on('error', () => near.destroy()).on('close', () => near.destroy());
  }).listen(0, '127.0.0.1');
  await once(door, 'listening');
  const url = `http://127.0.0.1:${(door.address() as AddressInfo).port}`;
  return {
    connection: { apiKey, apiUrl: url, sandboxUrl: url, retries: 0 },
    pid,
    async serve(server, address, port) {
      const path = join(folder, `server-${nextId}`);
      server.listen(path, 511);
      await once(server, 'listening');
      await ask({ kind: 'listen', address, port, path });
    },
    setNames: async (records, isSilent = false) => void (await ask({ kind: 'names', records, isSilent })),
    askedNames: async () => (await ask({ kind: 'asked' })) as string[],
    reset: async (port) => void (await ask({ kind: 'reset', port })),
    log: async () => (await ask({ kind: 'log' })) as Record<string, unknown>[],
    async stop() {
      await ask({ kind: 'stop' });
      child.disconnect();
      await exited;
      door.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
