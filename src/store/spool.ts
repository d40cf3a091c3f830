import { closeSync, createReadStream, mkdtempSync, openSync, rmSync } from 'node:fs';
import type { ReadStream } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A temporary file to be written once and then read. It has no name, so that nothing is left of it where the process is killed. */
export class Spool {
  /** To write through. Whoever writes closes it. */
  readonly writeFd: number;
  #readFd: number | undefined;

  constructor() {
    const folder = mkdtempSync(join(tmpdir(), 'assay-'));
    try {
      const path = join(folder, 'spool');
      this.writeFd = openSync(path, 'wx', 0o600);
      this.#readFd = openSync(path, 'r');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  /** What has been written. It can be had once; `close` is not needed after that. */
  read(options: { highWaterMark?: number } = {}): ReadStream {
    const fd = this.#readFd;
    this.#readFd = undefined;
    if (fd === undefined) throw new Error('the spool is read or closed');
    return createReadStream('', { ...options, fd });
  }

  close(): void {
    if (this.#readFd !== undefined) closeSync(this.#readFd);
    this.#readFd = undefined;
  }
}
