import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

const HOST = '127.0.0.1';

/** A port that was asked for by name is taken. */
export class PortTakenError extends Error {
  override readonly name = 'PortTakenError';
  readonly code = 'port-taken';
  readonly port: number;

  constructor(port: number, option: string) {
    super(
      `port ${port} of ${HOST} is taken by another program; give another one with ${option}, or end that program`,
    );
    this.port = port;
  }
}

/** A port of the stack: what was asked for, or what it is usually. */
export interface PortWish {
  /** Asked for by the user: this one or none. */
  wanted?: number | undefined;
  /** Tried first, then the next free one. Default: any free one. */
  usual?: number | undefined;
  /** How the user asks for it, such as `--ui-port`. */
  option: string;
}

/** Settles ports one after the other, so that no two wishes get the same. @throws PortTakenError */
export async function settlePorts<Name extends string>(
  wishes: Record<Name, PortWish>,
): Promise<Record<Name, number>> {
  const settled = {} as Record<Name, number>;
  const used = new Set<number>();
  const free = async (port: number) => !used.has(port) && (await isFree(port));
  for (const [name, { wanted, usual, option }] of Object.entries(wishes) as [Name, PortWish][]) {
    let port = wanted ?? usual ?? (await anyFreePort());
    if (wanted !== undefined && !(await free(wanted))) throw new PortTakenError(wanted, option);
    for (let tries = 0; !(await free(port)); tries += 1) port = tries < 50 ? port + 1 : await anyFreePort();
    used.add(port);
    settled[name] = port;
  }
  return settled;
}

export async function isFree(port: number): Promise<boolean> {
  try {
    await listenOnce(port);
    return true;
  } catch {
    return false;
  }
}

/**
 * Below the range that kernels take the ports of outgoing connections from (32768 on Linux, 49152 elsewhere): a port of that range may be
 * taken again by the time that a server wants it.
 */
const LOWEST = 20_000;
const HIGHEST = 32_000;

async function anyFreePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries += 1) {
    const port = randomInt(LOWEST, HIGHEST);
    if (await isFree(port)) return port;
  }
  return listenOnce(0);
}

function listenOnce(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, HOST, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : port));
    });
  });
}
