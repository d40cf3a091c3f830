import { Command, InvalidArgumentError, Option } from 'commander';
import { OVERLAPS } from '../domain/schedule.ts';
import type { Overlap } from '../domain/schedule.ts';
import { addHowOptions, addItemOptions, readItems } from './batch-options.ts';
import type { HowFlags, ItemFlags } from './batch-options.ts';
import { UsageError } from './cli-error.ts';
import { addConnectionOptions } from './connection-options.ts';
import type { ConnectionOptions } from './connection-options.ts';
import { SCHEDULE_NEEDS } from './schedule-needs.ts';
import { withConnection } from './with-connection.ts';

interface UpdateOptions extends ConnectionOptions, ItemFlags {
  batch: string;
}

interface CreateOptions extends UpdateOptions, HowFlags {
  cache?: boolean;
  cron: string[];
  every?: string;
  timezone?: string;
  jitter?: string;
  overlap?: Overlap;
  catchUp?: string;
  notify: string[];
  notifyOn: string[];
  keep?: Keep;
  paused?: boolean;
  json?: boolean;
}

interface Keep {
  keepRuns?: number;
  keepDays?: number;
}

/** `assay schedule create NAME --cron … --batch ITEMS`. */
export function scheduleCreateCommand(): Command {
  const command = new Command('create')
    .summary('make a schedule of a batch')
    .description('Checks the items, puts them into the store, and runs them as a batch at the times given.')
    .argument('<name>', 'name of the schedule')
    .requiredOption(
      '--batch <items>',
      'items as for assay batch run: a file, a folder, a store reference, or -',
    )
    .option('--cron <expression>', 'five fields, such as "0 2 * * *"; may be repeated', collect, [])
    .option('--every <duration>', 'such as 30m, 6h, 1d')
    .option('--timezone <zone>', 'of the cron expressions, such as Europe/Berlin (default: UTC)')
    .option('--jitter <duration>', 'each run begins up to so much later')
    .addOption(
      new Option('--overlap <policy>', 'when a run is due while one is at work (default: skip)').choices(
        OVERLAPS,
      ),
    )
    .option('--catch-up <duration>', 'make up for missed runs no older than this (default: 1h)')
    .option(
      '--notify <target>',
      'tell this URL by a signed webhook, or Slack by slack:URL or slack:env:ASSAY_SLACK_…; may be repeated',
      collect,
      [],
    )
    .option(
      '--notify-on <rule>',
      'any-new-failure (default), always, error-rate>N%, failure-rate>N%; may be repeated',
      collect,
      [],
    )
    .option(
      '--keep <runs,days>',
      'keep results of so many runs, or days, such as 30 or 30,90d (default: 100)',
      keep,
    )
    .option('--paused', 'wait until it is resumed');
  addItemOptions(addHowOptions(command))
    .option('--cache', 'let recorded verdicts count (default: each run runs all items)')
    .option('--json', 'print the schedule as JSON');
  return addConnectionOptions(command).action(create);
}

/** `assay schedule update NAME --batch …`. */
export function scheduleUpdateCommand(): Command {
  const command = new Command('update')
    .summary('give a schedule other items')
    .description('Replaces the items of a schedule, from its next run on.')
    .argument('<name>', 'name of the schedule')
    .requiredOption(
      '--batch <items>',
      'items as for assay batch run: a file, a folder, a store reference, or -',
    );
  return addConnectionOptions(addItemOptions(command)).action(
    async (name: string, options: UpdateOptions) => {
      const { items, defaults } = await readItems(options.batch, options);
      await withConnection(options, SCHEDULE_NEEDS, async ({ assay }) => {
        const handle = await assay.schedules.update(name, items, { defaults, skipBad: options.skipBad });
        process.stdout.write(`${name}: ${(await handle.status()).items} items\n`);
      });
    },
  );
}

async function create(name: string, options: CreateOptions): Promise<void> {
  const { cron, every, timezone, jitter, overlap, catchUp, notify, notifyOn, paused } = options;
  const { concurrency, isolation, failFast, attempts, priority, cache = false, skipBad } = options;
  if (cron.length === 0 && every === undefined)
    throw new UsageError('say when: --cron "0 2 * * *" or --every 6h');
  const { items, defaults } = await readItems(options.batch, options);
  await withConnection(options, SCHEDULE_NEEDS, async ({ assay }) => {
    const handle = await assay.schedules.create(name, items, {
      ...{ cron, every, timezone, jitter, overlap, catchUp, notify, paused },
      ...(notifyOn.length > 0 && { notifyOn }),
      ...options.keep,
      batch: { defaults, concurrency, isolation, failFast, attempts, priority, cache, skipBad },
    });
    const status = await handle.status();
    const next = status.nextRunsAt[0]?.toISOString() ?? 'when it is resumed';
    process.stdout.write(
      `${options.json ? JSON.stringify(status, null, 2) : `${name}: ${status.items} items, next run ${next}`}\n`,
    );
    for (const variable of new Set(notify.map(variableOf)))
      if (variable !== undefined && !process.env[variable])
        process.stderr.write(`note: the worker needs ${variable} to tell of runs; it is not set here\n`);
  });
}

/** What the worker takes from its environment to tell a target: the secret that signs, or Slack's URL. */
function variableOf(target: string): string | undefined {
  return /^https?:/.test(target) ? 'ASSAY_WEBHOOK_SECRET' : /^slack:env:(.*)/.exec(target)?.[1];
}

function collect(text: string, before: string[]): string[] {
  return [...before, text];
}

/** `30`, `90d` or `30,90d`. */
function keep(text: string): Keep {
  const found: Keep = {};
  for (const part of text.split(',')) {
    const [, number, days] = /^\s*(\d{1,4})(d?)\s*$/.exec(part) ?? [];
    if (number === undefined || number === '0')
      throw new InvalidArgumentError('It must be a number of runs, of days, or both, such as 30 or 30,90d');
    if (days) found.keepDays = Number(number);
    else found.keepRuns = Number(number);
  }
  return found;
}
