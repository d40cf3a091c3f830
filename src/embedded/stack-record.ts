import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config.ts';
import { isRunning, type ProcessIdentity } from './process-identity.ts';

/** What a stack leaves in a file while it runs: how to reach it, and what to end should it be killed. */
export interface StackRecord {
  kind: 'dev' | 'command';
  owner: ProcessIdentity;
  children: (ProcessIdentity & { name: string })[];
  /** File of Temporal's state; none for an ephemeral stack. */
  db?: string | undefined;
  tempDir: string;
  /** Present once everything runs. */
  config?: Config | undefined;
  uiUrl?: string | undefined;
  startedAt: string;
}

const runDir = (home: string) => join(home, 'run');
/** `assay dev` is found by its name; stacks of single commands are not for others. */
export const recordPath = (home: string, kind: StackRecord['kind'], pid: number) =>
  join(runDir(home), kind === 'dev' ? 'dev.json' : `command-${pid}.json`);

/** Written for the user alone: it holds the key of the sandbox server. */
export function writeRecord(path: string, record: StackRecord): void {
  mkdirSync(join(path, '..'), { recursive: true });
  const draft = `${path}.${process.pid}.tmp`;
  writeFileSync(draft, JSON.stringify(record, undefined, 2), { mode: 0o600 });
  renameSync(draft, path);
}

export function removeRecord(path: string): void {
  rmSync(path, { force: true });
}

/** All records with their files; unreadable ones count as absent. */
export function readRecords(home: string): { path: string; record: StackRecord }[] {
  let names: string[];
  try {
    names = readdirSync(runDir(home));
  } catch {
    return [];
  }
  return names
    .filter((name) => name === 'dev.json' || /^command-\d+\.json$/.test(name))
    .flatMap((name) => {
      const path = join(runDir(home), name);
      const record = readRecord(path);
      return record === undefined ? [] : [{ path, record }];
    });
}

/** The `assay dev` that runs now and is ready; undefined where there is none. */
export function findRunningStack(home: string): (StackRecord & { config: Config }) | undefined {
  const record = readRecord(join(runDir(home), 'dev.json'));
  if (record?.config === undefined || !isRunning(record.owner)) return undefined;
  return { ...record, config: record.config };
}

function readRecord(path: string): StackRecord | undefined {
  try {
    const record = JSON.parse(readFileSync(path, 'utf8')) as Partial<StackRecord>;
    return typeof record.owner?.pid === 'number' && Array.isArray(record.children)
      ? (record as StackRecord)
      : undefined;
  } catch {
    return undefined;
  }
}
