import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

/** What a process and all that descend from it take up at this moment. */
export interface Footprint {
  processes: number;
  /** Open file descriptors of all of them. */
  fds: number;
  /** Open file descriptors of the process itself. */
  ownFds: number;
  /** Mounts in the mount namespaces of all of them. */
  mounts: number;
  /** Resident memory of the process itself, in MiB. */
  rssMb: number;
}

/** Measures the process `pid` and its descendants by /proc; what ends meanwhile is left out. */
export function footprint(pid: number): Footprint {
  const pids = family(pid);
  return {
    processes: pids.length,
    fds: pids.reduce((sum, each) => sum + openFiles(each), 0),
    ownFds: openFiles(pid),
    mounts: mounts(pids),
    rssMb: kilobytes(`/proc/${pid}/status`, 'VmRSS') / 1024,
  };
}

/** Memory of a process and its descendants, in MiB, with pages in common counted once. */
export function pssMb(pid: number): number {
  return family(pid).reduce((sum, each) => sum + kilobytes(`/proc/${each}/smaps_rollup`, 'Pss'), 0) / 1024;
}

/** How many files and folders there are in a folder, at all depths. */
export function countFiles(folder: string): number {
  return readdirSync(folder, { recursive: true }).length;
}

/** A process and its descendants; a zombie has ended, and is none of them. */
function family(pid: number): number[] {
  const children = Map.groupBy(
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((name) => ({ pid: Number(name), parent: parentOf(Number(name)) })),
    ({ parent }) => parent,
  );
  const found = [pid];
  for (const each of found) found.push(...(children.get(each) ?? []).map((child) => child.pid));
  return found;
}

function parentOf(pid: number): number | undefined {
  const status = read(`/proc/${pid}/status`);
  if (/^State:\s+Z/m.test(status)) return undefined;
  return Number(/^PPid:\s+(\d+)/m.exec(status)?.[1]);
}

function openFiles(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return 0;
  }
}

function mounts(pids: number[]): number {
  const byNamespace = new Map<string, number>();
  for (const pid of pids) {
    try {
      const namespace = readlinkSync(`/proc/${pid}/ns/mnt`);
      if (!byNamespace.has(namespace))
        byNamespace.set(namespace, read(`/proc/${pid}/mountinfo`).split('\n').length - 1);
    } catch {
      // It has ended meanwhile.
    }
  }
  return [...byNamespace.values()].reduce((sum, count) => sum + count, 0);
}

function kilobytes(path: string, field: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(read(path))?.[1] ?? 0);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
