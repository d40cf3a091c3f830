import { Context } from '@temporalio/activity';
import type { ScheduleActivities } from '../domain/schedule.ts';
import type { Store } from '../store/store.ts';
import { compareRuns } from './schedule/compare-runs.ts';
import { forgetRuns } from './schedule/forget-runs.ts';
import { RunNotes } from './schedule/run-notes.ts';
import { sendNotice } from './schedule/send-notice.ts';

/** The activities of a schedule's runs. `webhookSecret` signs what is posted. */
export function createScheduleActivities({
  store,
  webhookSecret,
}: {
  store: Store;
  webhookSecret: string | undefined;
}): ScheduleActivities {
  return {
    noteRun: ({ series, run }) => new RunNotes(store, series).put(run),
    compareRuns: (input) => compareRuns(input, store),
    forgetRuns: (input) => forgetRuns(input, store),
    sendNotice: (notice) => {
      const { info, cancellationSignal: signal } = Context.current();
      const id = info.workflowExecution?.workflowId ?? notice.batchId;
      return sendNotice(notice, { id, secret: webhookSecret, signal });
    },
  };
}
