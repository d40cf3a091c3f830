import { Command, InvalidArgumentError } from 'commander';
import type { ScheduleHandle, ScheduleRun, ScheduleStatus } from '../client/schedule-handle.ts';
import type { ConnectionOptions } from './connection-options.ts';
import { addConnectionOptions } from './connection-options.ts';
import { UsageError } from './cli-error.ts';
import { print } from './print.ts';
import { printableLine } from './printable.ts';
import { scheduleCreateCommand, scheduleUpdateCommand } from './schedule-create.ts';
import { SCHEDULE_NEEDS } from './schedule-needs.ts';
import { wholeNumber } from './run-options.ts';
import { table } from './table.ts';
import { utcTime } from './units.ts';
import { withConnection } from './with-connection.ts';

interface ShowOptions extends ConnectionOptions {
  json?: boolean;
  limit: number;
}

/** `assay schedule create|list|show|trigger|backfill|pause|resume|delete`. */
export function scheduleCommand(): Command {
  return new Command('schedule')
    .summary('run batches on a schedule, each compared with the last')
    .description('Batches that run by themselves; each run is compared with the last.')
    .addCommand(scheduleCreateCommand())
    .addCommand(scheduleUpdateCommand())
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addCommand(ofSchedule('trigger', 'run it now', (handle) => handle.trigger()))
    .addCommand(backfillCommand())
    .addCommand(noted('pause', 'begin no further run'))
    .addCommand(noted('resume', 'go on with one that is paused'))
    .addCommand(ofSchedule('delete', 'remove it; batches that ran stay', (handle) => handle.delete()))
    .addHelpText(
      'after',
      '\nExamples:\n  assay schedule create nightly --cron "0 2 * * *" --batch items.jsonl\n  assay schedule trigger nightly\n  assay schedule show nightly',
    );
}

function ofSchedule<O extends ConnectionOptions & { note?: string }>(
  name: string,
  summary: string,
  work: (handle: ScheduleHandle, options: O) => Promise<void>,
): Command {
  const command = new Command(name)
    .summary(summary)
    .description(`${summary[0]?.toUpperCase()}${summary.slice(1)}.`)
    .argument('<name>', 'name of the schedule');
  return addConnectionOptions(command).action((schedule: string, options: O) =>
    withConnection(options, SCHEDULE_NEEDS, ({ assay }) => work(assay.schedules.get(schedule), options)),
  );
}

function backfillCommand(): Command {
  return ofSchedule<ConnectionOptions & { from: Date; to: Date }>(
    'backfill',
    'run it for its times in the past',
    async (handle, { from, to }) => {
      if (from >= to) throw new UsageError('--from must be before --to');
      await handle.backfill({ from, to });
    },
  )
    .requiredOption('--from <time>', 'ISO 8601, such as 2026-11-01T00:00:00Z', time)
    .requiredOption('--to <time>', 'ISO 8601', time);
}

function listCommand(): Command {
  const command = new Command('list')
    .summary('list schedules')
    .description('Lists schedules.')
    .option('--json', 'print one JSON array');
  return addConnectionOptions(command).action((options: ShowOptions) =>
    withConnection(options, SCHEDULE_NEEDS, async ({ assay }) => {
      const schedules = await Array.fromAsync(assay.schedules.list());
      if (options.json) return print(JSON.stringify(schedules, null, 2));
      if (schedules.length === 0) return print('no schedules');
      const rows = schedules.map(({ name, paused, nextRunAt, lastRunAt }) => [
        printableLine(name),
        paused ? 'paused' : timeOrNothing(nextRunAt),
        timeOrNothing(lastRunAt),
      ]);
      print(table(['SCHEDULE', 'NEXT (UTC)', 'LAST (UTC)'], rows));
    }),
  );
}

/** Pauses or resumes, for a reason that may be given, and says how the schedule stands then. */
function noted(verb: 'pause' | 'resume', summary: string): Command {
  return ofSchedule(verb, summary, async (handle, { note }) => {
    await handle[verb](note);
    print(stateLine(await handle.status()));
  }).option('--note <text>', 'why');
}

function showCommand(): Command {
  const command = new Command('show')
    .summary('show when it runs next, and what its last runs came to')
    .description('Shows when it runs next, and what its last runs came to.')
    .argument('<name>', 'name of the schedule')
    .option('-n, --limit <number>', 'at most so many runs', wholeNumber(1, 1_000), 10)
    .option('--json', 'print one JSON document');
  return addConnectionOptions(command).action((name: string, options: ShowOptions) =>
    withConnection(options, SCHEDULE_NEEDS, async ({ assay }) => {
      const handle = assay.schedules.get(name);
      const status = await handle.status();
      const runs = await Array.fromAsync(handle.runs({ limit: options.limit }));
      if (options.json) return print(JSON.stringify({ ...status, runs }, null, 2));
      print(statusText(status));
      if (runs.length > 0) print(`\n${runsTable(runs)}`);
    }),
  );
}

function stateLine({ name, items, paused, note, nextRunsAt }: ScheduleStatus): string {
  const next = nextRunsAt.slice(0, 5).map(utcTime).join(', ');
  return `${printableLine(name)}: ${items} items, ${paused ? `paused${note ? ` (${printableLine(note)})` : ''}` : `next ${next || 'never'} UTC`}`;
}

function statusText(status: ScheduleStatus): string {
  const { notify, notifyOn, began, missed, skipped } = status;
  return [
    stateLine(status),
    `${began} runs began, ${missed} missed, ${skipped} skipped`,
    ...notify.map((target) => `tells ${printableLine(target)} on ${notifyOn.join(', ')}`),
  ].join('\n');
}

function runsTable(runs: ScheduleRun[]): string {
  const rows = runs.map(({ batchId, state, startedAt, result }) => {
    const changes = result?.changes;
    return [
      utcTime(startedAt),
      state,
      result ? `${result.counts.passed}/${result.total}` : '',
      changes ? String(changes.newlyFailing + changes.newlyError) : '',
      changes ? String(changes.newlyPassing) : '',
      changes ? String(changes.newlySlow) : '',
      changes ? String(changes.newlyFlaky) : '',
      batchId,
    ];
  });
  const titles = ['BEGAN (UTC)', 'STATE', 'PASSED', 'NEW FAIL', 'NEW PASS', 'SLOW', 'FLAKY', 'BATCH'];
  return table(titles, rows);
}

function time(text: string): Date {
  const date = new Date(text);
  if (Number.isNaN(date.getTime()))
    throw new InvalidArgumentError('It must be a time such as 2026-11-01T00:00:00Z');
  return date;
}

const timeOrNothing = (date: Date | undefined): string => (date ? utcTime(date) : '');
