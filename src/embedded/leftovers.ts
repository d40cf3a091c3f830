import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isRunning, type ProcessIdentity } from './process-identity.ts';
import type { OnStackEvent } from './stack-event.ts';
import { readRecords, removeRecord } from './stack-record.ts';

const GRACE_MS = 3_000;
const STEP_MS = 50;

/** Ends what killed runs have left behind, by their own records, and says so. */
export async function endLeftovers(home: string, onEvent: OnStackEvent): Promise<void> {
  for (const { path, record } of readRecords(home)) {
    if (isRunning(record.owner)) continue;
    const left = record.children.filter(isRunning);
    await endGroups(left);
    rmSync(record.tempDir, { recursive: true, force: true });
    removeRecord(path);
    const run = record.kind === 'dev' ? 'assay dev' : 'a command';
    const what =
      left.length === 0
        ? 'none of its processes is left'
        : `ended its ${left.map(({ name }) => name).join(', ')}`;
    onEvent({
      source: 'stack',
      level: 'warn',
      text: `an earlier run of ${run} (pid ${record.owner.pid}) was killed; ${what}`,
    });
  }
}

async function endGroups(leaders: ProcessIdentity[]): Promise<void> {
  for (const leader of leaders) signalGroup(leader, 'SIGTERM');
  for (let waited = 0; waited < GRACE_MS && leaders.some(isRunning); waited += STEP_MS) await sleep(STEP_MS);
  for (const leader of leaders) signalGroup(leader, 'SIGKILL');
  for (let waited = 0; waited < GRACE_MS && leaders.some(isRunning); waited += STEP_MS) await sleep(STEP_MS);
}

function signalGroup({ pid }: ProcessIdentity, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // the group is empty
  }
}
