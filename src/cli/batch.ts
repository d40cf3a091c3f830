import { Command, Option } from 'commander';
import type { BatchHandle } from '../client/batch-handle.ts';
import { VERDICTS } from '../domain/job-result.ts';
import type { Verdict } from '../domain/job-result.ts';
import { batchImportCommand } from './batch-import.ts';
import { batchDiffCommand, batchReportCommand } from './batch-report.ts';
import { progressLine, batchSummary } from './batch-progress.ts';
import { batchRetryCommand, batchRunCommand, exitCodeOfBatch, followBatch } from './batch-run.ts';
import { CliError } from './cli-error.ts';
import type { Connection } from './connection.ts';
import { addConnectionOptions } from './connection-options.ts';
import type { ConnectionOptions } from './connection-options.ts';
import { EXIT } from './exit-codes.ts';
import { print, printPart } from './print.ts';
import { printableLine } from './printable.ts';
import { wholeNumber } from './run-options.ts';
import { table } from './table.ts';
import { duration, utcTime } from './units.ts';
import { givenUp, withConnection } from './with-connection.ts';

/** A batch at work gives back what it has within seconds; publishing many results takes longer. */
const CANCEL_PATIENCE_MS = 30_000;

interface OutputOptions extends ConnectionOptions {
  json?: boolean;
}

interface ChangeOptions extends OutputOptions {
  concurrency: number;
}

/** `assay batch run|status|watch|results|cancel|pause|resume|update|retry|list`. */
export function batchCommand(): Command {
  return new Command('batch')
    .summary('validate thousands of items, one verdict each')
    .description('Batches of items, each with a verdict of its own.')
    .addCommand(batchRunCommand())
    .addCommand(
      ofBatch('status', 'say how far a batch is', leavable(showStatus)).option(
        '--json',
        'print one JSON document',
      ),
    )
    .addCommand(
      ofBatch('watch', 'follow a batch to its end', async (handle, connection, options, signal) => {
        const result = await followBatch(handle, connection, signal, options);
        process.exitCode = exitCodeOfBatch(result);
      }).option('--json', 'print each result as one line of JSON, in the order of the input'),
    )
    .addCommand(resultsCommand())
    .addCommand(ofBatch('cancel', 'stop a batch; what is there is kept', leavable(cancel)))
    .addCommand(
      ofBatch(
        'pause',
        'begin no further shard',
        changed((handle) => handle.pause()),
      ),
    )
    .addCommand(
      ofBatch(
        'resume',
        'go on with a batch that is paused',
        changed((handle) => handle.resume()),
      ),
    )
    .addCommand(
      ofBatch(
        'update',
        'change how many shards of a batch are at work at once',
        changed<ChangeOptions>((handle, { concurrency }) => handle.setConcurrency(concurrency)),
      )
        .requiredOption('--concurrency <number>', 'shards at work at once, from now on', wholeNumber(1, 500))
        .addHelpText('after', '\nExample:\n  assay batch update nightly --concurrency 8'),
    )
    .addCommand(batchRetryCommand())
    .addCommand(listCommand())
    .addCommand(batchImportCommand())
    .addCommand(batchReportCommand())
    .addCommand(batchDiffCommand())
    .addHelpText(
      'after',
      '\nExamples:\n  assay batch run items.jsonl --name nightly\n  assay batch watch nightly\n  assay batch results nightly --verdict failed',
    );
}

type Work<O extends OutputOptions> = (
  handle: BatchHandle,
  connection: Connection,
  options: O,
  signal: AbortSignal,
) => Promise<void>;

/** Left at Ctrl-C, whatever the server does. */
function leavable<O extends OutputOptions>(work: Work<O>): Work<O> {
  return (handle, connection, options, signal) =>
    Promise.race([work(handle, connection, options, signal), givenUp(signal)]);
}

/** Changes a batch, then says how it stands. */
function changed<O extends OutputOptions>(
  change: (handle: BatchHandle, options: O) => Promise<void>,
): Work<O> {
  return leavable(async (handle, _, options) => {
    await change(handle, options);
    print(progressLine(await handle.progress()));
  });
}

async function showStatus(handle: BatchHandle, _: Connection, { json }: OutputOptions): Promise<void> {
  const progress = await handle.progress();
  print(json ? JSON.stringify(progress, null, 2) : progressLine(progress));
}

async function cancel(handle: BatchHandle): Promise<void> {
  await handle.cancel();
  const patience = new Promise<void>((done) => setTimeout(done, CANCEL_PATIENCE_MS).unref());
  const result = await Promise.race([handle.result(), patience]);
  if (result) return print(batchSummary(result));
  const name = printableLine(handle.batchId);
  throw new CliError(
    'cancel-pending',
    `${name} was asked to stop but has not yet; is a worker running?`,
    EXIT.error,
  );
}

function ofBatch<O extends OutputOptions>(name: string, summary: string, work: Work<O>): Command {
  const command = new Command(name)
    .summary(summary)
    .description(`${summary[0]?.toUpperCase()}${summary.slice(1)}.`)
    .argument('<batch>', 'name or id of the batch');
  return addConnectionOptions(command).action((batch: string, options: O) =>
    withConnection(options, {}, (connection, signal) =>
      work(connection.assay.batches.get(batch), connection, options, signal),
    ),
  );
}

function resultsCommand(): Command {
  const results: Work<OutputOptions & { verdict?: Verdict }> = async (handle, _, { verdict }) => {
    for await (const result of handle.results())
      if (verdict === undefined || result.verdict === verdict) await printPart(`${JSON.stringify(result)}\n`);
  };
  return ofBatch('results', 'print the results, one line of JSON each', leavable(results)).addOption(
    new Option('--verdict <verdict>', 'only those with this verdict').choices(VERDICTS),
  );
}

function listCommand(): Command {
  const command = new Command('list')
    .summary('list batches, newest first')
    .description('Lists batches, newest first.')
    .option('-n, --limit <number>', 'at most so many', wholeNumber(1, 10_000), 20)
    .option('--json', 'print one JSON array');
  return addConnectionOptions(command).action((options: OutputOptions & { limit: number }) =>
    withConnection(options, { worker: false }, async ({ assay }) => {
      const batches = await Array.fromAsync(assay.batches.list({ limit: options.limit }));
      if (options.json) return print(JSON.stringify(batches, null, 2));
      if (batches.length === 0) return print('no batches');
      const rows = batches.map(({ batchId, state, startedAt, endedAt }) => [
        printableLine(batchId),
        state,
        utcTime(startedAt),
        endedAt ? duration(endedAt.getTime() - startedAt.getTime()) : '',
      ]);
      print(table(['BATCH', 'STATE', 'STARTED (UTC)', 'TOOK'], rows));
    }),
  );
}
