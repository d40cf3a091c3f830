import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A process that is this server's own: its id, and when it started in the kernel's count, for ids are used again. */
interface RecordedProcess {
  pid: number;
  startTicks: string;
}

interface RecordFile {
  server: RecordedProcess;
  children: RecordedProcess[];
}

/** Another server uses the state folder. */
export class StateInUseError extends Error {
  override readonly name = 'StateInUseError';
  readonly code = 'state-in-use';
}

/** The server's note of its processes, by which its next start ends what a killed one left. */
export class ProcessRecord {
  #path: string;
  #children = new Map<number, RecordedProcess>();

  private constructor(path: string) {
    this.#path = path;
  }

  /**
   * Takes a state folder: ends what an earlier server left in it and notes this process as its user.
   * @returns the record, and how many processes were ended
   * @throws StateInUseError where a running server has it
   */
  static take(stateDir: string): { record: ProcessRecord; ended: number } {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    const record = new ProcessRecord(join(stateDir, 'processes.json'));
    const left = record.#read();
    if (left && left.server.pid !== process.pid && isAlive(left.server)) {
      throw new StateInUseError(`the sandbox server with process id ${left.server.pid} uses ${stateDir}`);
    }
    const leftovers = left?.children.filter(isAlive) ?? [];
    for (const { pid } of leftovers) process.kill(pid, 'SIGKILL');
    record.#write();
    return { record, ended: leftovers.length };
  }

  /** Notes a process that this server has started. */
  add(pid: number): void {
    const startTicks = startTicksOf(pid);
    if (startTicks === undefined) return;
    this.#children.set(pid, { pid, startTicks });
    this.#write();
  }

  /** Forgets a process that has ended. */
  remove(pid: number): void {
    if (this.#children.delete(pid)) this.#write();
  }

  /** Gives the state folder up. */
  release(): void {
    rmSync(this.#path, { force: true });
  }

  #read(): RecordFile | undefined {
    try {
      return JSON.parse(readFileSync(this.#path, 'utf8')) as RecordFile;
    } catch {
      return undefined; // none, or one that was cut while it was written: there is nothing to go by
    }
  }

  #write(): void {
    const server = { pid: process.pid, startTicks: startTicksOf(process.pid) ?? '' };
    const file: RecordFile = { server, children: [...this.#children.values()] };
    writeFileSync(`${this.#path}.new`, JSON.stringify(file), { mode: 0o600 });
    renameSync(`${this.#path}.new`, this.#path);
  }
}

function isAlive(recorded: RecordedProcess): boolean {
  return startTicksOf(recorded.pid) === recorded.startTicks;
}

/** Field 22 of /proc/PID/stat, counted from behind the name, which may hold anything. */
export function startTicksOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}
