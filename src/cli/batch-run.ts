import { createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Command, Option } from 'commander';
import type { BatchHandle } from '../client/batch-handle.ts';
import type { BatchOptions, BatchResult } from '../domain/batch.ts';
import type { JobSpec } from '../domain/job-spec.ts';
import { VERDICTS } from '../domain/job-result.ts';
import type { Verdict } from '../domain/job-result.ts';
import { addHowOptions, addItemOptions, readItems } from './batch-options.ts';
import type { HowFlags, ItemFlags } from './batch-options.ts';
import { BatchBar, batchSummary } from './batch-progress.ts';
import { UsageError } from './cli-error.ts';
import type { Connection } from './connection.ts';
import { addConnectionOptions } from './connection-options.ts';
import type { ConnectionOptions } from './connection-options.ts';
import { EXIT } from './exit-codes.ts';
import type { InterruptedError } from './interrupt.ts';
import { patientSpec } from './patient-spec.ts';
import { printPart } from './print.ts';
import { CODE_FILE, RESULTS_FILE } from './report-sources.ts';
import { wholeNumber } from './run-options.ts';
import { jobUrl } from './web-ui.ts';
import { givenUp, withConnection } from './with-connection.ts';

interface BatchRunOptions
  extends ConnectionOptions, ItemFlags, HowFlags, Pick<BatchOptions, 'name' | 'cache'> {
  out?: string;
  json?: boolean;
  detach?: boolean;
}

const NEEDS_LASTING =
  '--detach leaves the batch to a server that outlives this command, and none is running; start assay dev in another terminal, or give --address';
const CANCEL_PATIENCE_MS = 15_000;
/** Failures that are told one by one at the end of a batch. */
const MOST_FAILURES = 50;

/** `assay batch run ITEMS`. */
export function batchRunCommand(): Command {
  const command = new Command('run')
    .summary('validate and test many items, one verdict each')
    .description('Runs every item of a file as a durable batch and shows what it comes to.')
    .argument(
      '<items>',
      'JSON lines (a JobSpec with an id each) or CSV, .gz too, Parquet, a folder of code with tests beside, s3://BUCKET/ITEMS.jsonl and the like, a store reference, or - for stdin',
    )
    .option('--name <name>', 'name of the batch; while one of this name runs, it is that batch');
  addItemOptions(addHowOptions(command))
    .option('--no-cache', 'run items anew whose verdict is recorded')
    .option(
      '-o, --out <folder>',
      'write results.jsonl, summary.json and code.jsonl (for its HTML report) into this folder',
    )
    .option('--json', 'print each result as one line of JSON, in the order of the input')
    .addOption(
      new Option('-d, --detach', 'start the batch, print its id and leave').conflicts(['out', 'json']),
    );
  return addConnectionOptions(command)
    .addHelpText(
      'after',
      `
Examples:
  assay batch run items.jsonl
  assay batch run items.jsonl --name nightly --out results
  assay batch run exercises/ --json | jq -r 'select(.verdict != "passed") | .id'
  assay batch run items.jsonl --defaults defaults.json --fail-fast 10

Exit codes: 0 all passed, 1 some failed or were rejected, 3 some ended in an error of the world or it was cancelled, 64 usage, 130 interrupted.`,
    )
    .action(run);
}

async function run(source: string, options: BatchRunOptions): Promise<void> {
  const { name, concurrency, isolation, failFast, attempts, priority, cache, skipBad } = options;
  const { items, defaults } = await readItems(source, options);
  if (options.out !== undefined) await makeFolder(options.out);
  await withConnection(
    options,
    options.detach ? { lasting: NEEDS_LASTING } : {},
    async (connection, signal) => {
      const { assay } = connection;
      const patient = patientSpec(defaults as JobSpec, connection) as Record<string, unknown>;
      const started = assay.batches.start(items, {
        ...{ name, defaults: patient, concurrency, isolation, failFast, attempts, priority, cache, skipBad },
      });
      const handle = await Promise.race([started, givenUp(signal)]);
      if (!handle.started)
        process.stderr.write(`assay: ${handle.batchId} runs already; this is that batch\n`);
      if (options.detach) return void process.stdout.write(`${handle.batchId}\n`);
      const result = await followBatch(handle, connection, signal, options);
      if (options.out !== undefined) await writeOut(result, handle, options.out);
      process.exitCode = exitCodeOfBatch(result);
    },
  );
}

/** `assay batch retry BATCH --only error`. */
export function batchRetryCommand(): Command {
  const command = new Command('retry')
    .summary('run some items of a batch again, as a new batch')
    .description(
      'Runs the items of a batch that ended with a verdict again, as a new batch with an id of its own.',
    )
    .argument('<batch>', 'name or id of the batch, which must be over')
    .addOption(new Option('--only <verdict>', 'items with this verdict').choices(VERDICTS).default('error'))
    .option(
      '--concurrency <number>',
      'shards at work at once (default: 1.5 for each that the workers have room for)',
      wholeNumber(1, 500),
    )
    .option('--name <name>', 'name of the new batch')
    .option('--json', 'print each result as one line of JSON, in the order of the input')
    .addHelpText('after', '\nExample:\n  assay batch retry nightly --only error');
  return addConnectionOptions(command).action((batch: string, options: BatchRetryOptions) =>
    withConnection(options, {}, async (connection, signal) => {
      const { name, concurrency } = options;
      const { batches } = connection.assay;
      const retried = assertOver(batches.get(batch)).then(() =>
        batches.retry(batch, { only: options.only, name, concurrency }),
      );
      const handle = await Promise.race([retried, givenUp(signal)]);
      const result = await followBatch(handle, connection, signal, options);
      process.exitCode = exitCodeOfBatch(result);
    }),
  );
}

async function assertOver(handle: BatchHandle): Promise<void> {
  const { state } = await handle.progress();
  if (state === 'running' || state === 'paused')
    throw new UsageError(
      `${handle.batchId} is ${state}; its items can be run again when it is over: assay batch watch ${handle.batchId} follows it`,
    );
}

interface BatchRetryOptions extends ConnectionOptions, Pick<BatchOptions, 'name' | 'concurrency'> {
  only: Verdict;
  json?: boolean;
}

export interface FollowBatchOptions {
  json?: boolean | undefined;
}

/** Shows a batch until its end. Ctrl-C leaves one on a server that lasts, and ends one on the command's own. */
export async function followBatch(
  handle: BatchHandle,
  connection: Pick<Connection, 'embedded'> & Connection,
  signal: AbortSignal,
  { json = false }: FollowBatchOptions,
): Promise<BatchResult> {
  const interrupted = givenUp(signal).catch(async (reason: InterruptedError) => {
    throw reason.saying(await leave(handle, connection));
  });
  using bar = new BatchBar();
  const following = Promise.all([json ? printResults(handle, bar) : undefined, showProgress(handle, bar)]);
  following.catch(() => undefined);
  await Promise.race([interrupted, following]);
  const result = await handle.result();
  if (!json) await tellRest(result, handle, bar);
  bar.clear();
  const url = connection.embedded ? undefined : jobUrl(connection, handle.batchId);
  const summary = [batchSummary(result), ...(url ? [url] : [])].join('\n');
  (json ? process.stderr : process.stdout).write(`${summary}\n`);
  return result;
}

async function leave(handle: BatchHandle, { embedded }: Pick<Connection, 'embedded'>): Promise<string> {
  if (!embedded)
    return `the batch goes on: assay batch watch ${handle.batchId} follows it, assay batch cancel ${handle.batchId} ends it`;
  await handle.cancel().catch(() => undefined);
  const patience = new Promise((done) => setTimeout(done, CANCEL_PATIENCE_MS).unref());
  await Promise.race([handle.result().catch(() => undefined), patience]);
  return `${handle.batchId} was cancelled with the server of this command`;
}

async function showProgress(handle: BatchHandle, bar: BatchBar): Promise<void> {
  for await (const progress of handle.watch()) bar.show(progress);
}

/** Progress names the last few failures only: here are those that it has passed over, up to a screenful. */
async function tellRest({ counts }: BatchResult, handle: BatchHandle, bar: BatchBar): Promise<void> {
  const failures = counts.failed + counts.rejected + counts.error;
  if (failures > bar.told && bar.told < MOST_FAILURES)
    for await (const { id, verdict, attempts } of handle.results()) {
      if (verdict !== 'passed') bar.tell({ id, verdict, sentence: attempts.at(-1)?.ended ?? '' });
      if (bar.told >= Math.min(failures, MOST_FAILURES)) break;
    }
  if (failures > bar.told)
    bar.say(
      `… and ${failures - bar.told} more: assay batch results ${handle.batchId} --verdict failed shows them`,
    );
}

async function printResults(handle: BatchHandle, bar: BatchBar): Promise<void> {
  for await (const result of handle.results()) {
    bar.clear();
    await printPart(`${JSON.stringify(result)}\n`);
  }
}

/** Before the work, so that no batch runs for a folder that cannot be had. */
async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UsageError(`--out: ${path} is no folder and cannot be made (${code}); give another`, {
      cause: error,
    });
  }
}

async function writeOut(result: BatchResult, handle: BatchHandle, folder: string): Promise<void> {
  const code = async function* () {
    for await (const { index, id, code: text } of handle.items())
      if (text !== undefined) yield { index, id, code: text };
  };
  await writeLines(join(folder, RESULTS_FILE), handle.results());
  await writeLines(join(folder, CODE_FILE), code());
  await writeFile(join(folder, 'summary.json'), `${JSON.stringify(result, null, 2)}\n`);
  process.stderr.write(`assay: wrote ${join(folder, RESULTS_FILE)}, ${CODE_FILE} and summary.json\n`);
}

async function writeLines(path: string, values: AsyncIterable<unknown>): Promise<void> {
  const lines = async function* (): AsyncGenerator<string> {
    for await (const value of values) yield `${JSON.stringify(value)}\n`;
  };
  await pipeline(Readable.from(lines()), createWriteStream(path));
}

/** What is not complete, by an error of the world or since somebody cancelled it, weighs more than a failure of the code. */
export function exitCodeOfBatch({ state, counts }: Pick<BatchResult, 'state' | 'counts'>): number {
  const { failed, rejected, error } = counts;
  if (error > 0 || state === 'cancelled') return EXIT.error;
  return failed + rejected > 0 ? EXIT.failed : EXIT.passed;
}
