import { Command, Option } from 'commander';
import type { JobHandle } from '../client/job-handle.ts';
import type { JobFilter, JobSummary } from '../client/job-list.ts';
import type { JobResult } from '../domain/job-result.ts';
import { CliError } from './cli-error.ts';
import type { Connection } from './connection.ts';
import { addConnectionOptions } from './connection-options.ts';
import type { ConnectionOptions } from './connection-options.ts';
import { EXIT, exitCodeOf } from './exit-codes.ts';
import { followJob } from './follow-job.ts';
import { jobIdFrom } from './job-id-argument.ts';
import { printableLine } from './printable.ts';
import { renderJobs, renderStatus } from './render-jobs.ts';
import { renderResult } from './render-result.ts';
import { wholeNumber } from './run-options.ts';
import { style } from './style.ts';
import { jobUrl } from './web-ui.ts';
import { withConnection } from './with-connection.ts';

interface OutputOptions extends ConnectionOptions {
  json?: boolean;
}
interface ListOptions extends OutputOptions, Pick<JobFilter, 'verdict' | 'language' | 'state' | 'limit'> {}

/** How long `jobs cancel` waits for the job to free its sandbox, in ms. */
const CANCEL_PATIENCE_MS = 15_000;

/** `assay jobs list|show|watch|cancel`. */
export function jobsCommand(): Command {
  return new Command('jobs')
    .summary('list, show, watch and cancel jobs')
    .description('Jobs on the server, running or over.')
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addCommand(watchCommand())
    .addCommand(cancelCommand())
    .addHelpText(
      'after',
      '\nExamples:\n  assay jobs list --verdict failed\n  assay jobs show job-pr-812 --json\n  assay jobs watch pr-812',
    );
}

function listCommand(): Command {
  const command = new Command('list')
    .summary('list jobs, newest first')
    .description('Lists jobs, newest first.')
    .addOption(
      new Option('--verdict <verdict>', 'only jobs with this verdict').choices([
        'passed',
        'failed',
        'rejected',
        'error',
      ]),
    )
    .addOption(
      new Option('--state <state>', 'only jobs in this state').choices([
        'running',
        'done',
        'cancelled',
        'broken',
      ]),
    )
    .addOption(
      new Option('-l, --language <language>', 'only jobs in this language').choices([
        'python',
        'javascript',
        'typescript',
        'bash',
      ]),
    )
    .option('-n, --limit <number>', 'at most so many', wholeNumber(1, 10_000), 20)
    .option('--json', 'print one JSON array')
    .addHelpText(
      'after',
      '\nExamples:\n  assay jobs list --verdict failed --limit 5\n  assay jobs list --state running --json',
    );
  return addConnectionOptions(command).action((options: ListOptions) =>
    withConnection(options, { worker: false }, (at) => list(at, options)),
  );
}

async function list(
  { assay }: Connection,
  { verdict, language, state, limit, json }: ListOptions,
): Promise<void> {
  const jobs: JobSummary[] = [];
  for await (const job of assay.jobs.list({ verdict, language, state, limit })) jobs.push(job);
  process.stdout.write(`${json ? JSON.stringify(jobs, null, 2) : renderJobs(jobs)}\n`);
}

function showCommand(): Command {
  const command = new Command('show')
    .summary('show a job: its result, or what it is doing')
    .description('Shows the result of a job, or what it is doing now. Exits 0 whatever the verdict is.')
    .argument('<id>', 'id or key of the job')
    .option('--json', 'print the result as one JSON document; the status where there is no result yet')
    .addHelpText(
      'after',
      '\nExamples:\n  assay jobs show job-pr-812\n  assay jobs show pr-812 --json | jq .tests',
    );
  return addConnectionOptions(command).action((id: string, options: OutputOptions) =>
    withConnection(options, { worker: false }, (at) => show(at, jobIdFrom(id), options)),
  );
}

async function show(connection: Connection, jobId: string, { json }: OutputOptions): Promise<void> {
  const handle = connection.assay.jobs.get(jobId);
  const status = await handle.status();
  const shown = status.state === 'done' ? await handle.result() : status;
  if (json) process.stdout.write(`${JSON.stringify(shown, null, 2)}\n`);
  else if ('verdict' in shown && 'attempts' in shown) tell(shown, connection);
  else process.stdout.write(`${renderStatus(status)}\n`);
}

function tell(result: JobResult, connection: Connection): void {
  const url = connection.embedded ? undefined : jobUrl(connection, result.jobId);
  process.stdout.write(
    `${[renderResult(result), ...(url ? ['', `${style('bold', 'Web UI')} ${url}`] : [])].join('\n')}\n`,
  );
}

function watchCommand(): Command {
  const command = new Command('watch')
    .summary("show a job's steps as they go, then its result")
    .description(
      "Shows a job's steps as they go, then its result. Exits as `assay run` does; Ctrl-C leaves the job alone.",
    )
    .argument('<id>', 'id or key of the job')
    .option('--json', 'print the result as one JSON document')
    .addHelpText('after', '\nExample:\n  assay jobs watch pr-812');
  return addConnectionOptions(command).action((id: string, options: OutputOptions) =>
    withConnection(options, {}, async (connection, signal) => {
      const handle = connection.assay.jobs.get(jobIdFrom(id));
      const quiet = options.json && !process.stderr.isTTY;
      const result = await followJob(handle, signal, { quiet, onInterrupt: 'leave' });
      if (options.json) process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
      else tell(result, connection);
      process.exitCode = exitCodeOf(result.verdict);
    }),
  );
}

function cancelCommand(): Command {
  const command = new Command('cancel')
    .summary('cancel a job and free its sandbox')
    .description('Cancels a job and waits until its sandbox is free.')
    .argument('<id>', 'id or key of the job')
    .addHelpText('after', '\nExample:\n  assay jobs cancel pr-812');
  return addConnectionOptions(command).action((id: string, options: ConnectionOptions) =>
    withConnection(options, {}, (connection) => cancel(connection.assay.jobs.get(jobIdFrom(id)))),
  );
}

async function cancel(handle: JobHandle): Promise<void> {
  const before = await handle.status();
  const name = printableLine(handle.jobId);
  if (before.state !== 'running') {
    process.stdout.write(`${name} is over already (${before.verdict ?? before.state})\n`);
    return;
  }
  await handle.cancel();
  const ended = await Promise.race([
    handle.result().then(
      () => true,
      () => true,
    ),
    new Promise<false>((done) => setTimeout(done, CANCEL_PATIENCE_MS, false).unref()),
  ]);
  if (!ended)
    throw new CliError(
      'cancel-pending',
      `${name} was asked to stop but has not yet; is a worker running?`,
      EXIT.error,
    );
  const { state, verdict } = await handle.status();
  process.stdout.write(
    state === 'cancelled'
      ? `cancelled ${name}\n`
      : `${name} ended before it could be cancelled (${verdict ?? state})\n`,
  );
}
