import { NativeConnection, Worker } from '@temporalio/worker';
import { createActivities } from '../../src/activities/activities.ts';
import type { JobActivities } from '../../src/activities/contract.ts';
import { loadConfig, sandboxOf } from '../../src/config.ts';
import { Sandboxes } from '../../src/sandboxes/sandboxes.ts';
import * as steps from '../../src/steps/index.ts';
import { openStore } from '../../src/store/open-store.ts';
import { payloadStorage } from '../../src/store/payload-storage.ts';
import { WORKER_TUNING } from '../../src/worker/start-worker.ts';
import { workflowBundle } from '../../src/worker/workflow-bundle.ts';

// A real worker that never ends one verb: it does the work, says `halted`, and does not report. Killing it then is the worst moment.
const [haltIn] = process.argv.slice(2) as [keyof JobActivities];
const config = loadConfig();
const store = openStore(config.storeUrl);
const activities = createActivities({
  ...{ store, steps },
  sandboxes: new Sandboxes(sandboxOf(config)),
  concurrency: config.concurrency,
});
const verb = activities[haltIn] as (input: never) => Promise<unknown>;
const worker = await Worker.create({
  connection: await NativeConnection.connect({ address: config.temporal.address }),
  taskQueue: config.taskQueue,
  workflowBundle: await workflowBundle(config.home),
  activities: {
    ...activities,
    [haltIn]: async (input: never) => {
      await verb(input);
      console.log('halted');
      return await new Promise(() => undefined);
    },
  },
  dataConverter: { externalStorage: payloadStorage(store) },
  ...WORKER_TUNING,
});
console.log('assay worker: ready, and will halt');
await worker.run();
