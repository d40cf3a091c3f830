import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { Runtime, Worker } from '@temporalio/worker';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config.ts';
import { createLogger, temporalLogger } from '../../src/worker/logger.ts';
import { workflowBundle } from '../../src/worker/workflow-bundle.ts';

Runtime.install({ logger: temporalLogger(createLogger('fatal')), shutdownSignals: [] });

const names = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.json'));
interface Event {
  eventType: string;
  workflowExecutionStartedEventAttributes?: { workflowId: string };
  activityTaskScheduledEventAttributes?: { activityType: { name: string } };
}
type Events = { events: Event[] };

async function read(name: string): Promise<Events> {
  return JSON.parse(await readFile(join(import.meta.dirname, name), 'utf8')) as Events;
}

async function replay(history: Events): Promise<void> {
  const id = history.events[0]?.workflowExecutionStartedEventAttributes?.workflowId;
  const bundle = await workflowBundle(loadConfig().home);
  await Worker.runReplayHistory({ workflowBundle: bundle }, historyFromJSON(history), id);
}

describe('the workflow as it is now replays what was recorded before', () => {
  test('there are histories', () => expect(names.length).toBeGreaterThanOrEqual(7));

  test.each(names)('%s', async (name) => {
    await replay(await read(name));
  });

  test('and a history of another story is noticed', async () => {
    const history = await read('agent-job-passes-with-tests-and-artifacts.json');
    for (const { activityTaskScheduledEventAttributes: scheduled } of history.events)
      if (scheduled?.activityType.name === 'executeCode') scheduled.activityType.name = 'executeSomethingElse';
    await expect(replay(history)).rejects.toThrow(/nondeterminism|non-deterministic|determinism/i);
  });
});
