import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { isRunning, type ProcessIdentity } from './process-identity.ts';

/** Who has a database file; two servers must not open the same one. */
export interface DatabaseOwner extends ProcessIdentity {
  kind: 'dev' | 'command';
}

/** Takes a database file for this process. Returns undefined where that worked, and its owner where another process has it. */
export function claimDatabase(db: string, owner: DatabaseOwner): DatabaseOwner | undefined {
  const draft = `${db}.owner.${owner.pid}`;
  writeFileSync(draft, JSON.stringify(owner), { mode: 0o600 });
  try {
    for (;;) {
      try {
        linkSync(draft, claimPath(db)); // unlike a write, it fails where the file is
        return undefined;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const other = readOwner(claimPath(db));
      if (other !== undefined && isRunning(other)) return other;
      removeStale(db, other, owner.pid);
    }
  } finally {
    rmSync(draft, { force: true });
  }
}

export function releaseDatabase(db: string): void {
  rmSync(claimPath(db), { force: true });
}

const claimPath = (db: string) => `${db}.owner`;

/** Another process may have replaced the stale claim meanwhile: what was moved away is looked at again, and put back. */
function removeStale(db: string, seen: DatabaseOwner | undefined, pid: number): void {
  const aside = `${db}.owner.${pid}.stale`;
  try {
    renameSync(claimPath(db), aside);
  } catch {
    return; // another one was quicker
  }
  const moved = readOwner(aside);
  if (moved !== undefined && (moved.pid !== seen?.pid || moved.startTime !== seen.startTime)) {
    try {
      linkSync(aside, claimPath(db));
    } catch {
      // taken a third time: that one holds it
    }
  }
  rmSync(aside, { force: true });
}

function readOwner(path: string): DatabaseOwner | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as DatabaseOwner;
  } catch {
    return undefined;
  }
}
