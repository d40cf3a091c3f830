import { createReadStream, createWriteStream, existsSync, statSync } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { BatchHandle } from '../client/batch-handle.ts';
import { BatchNotFoundError } from '../client/errors.ts';
import type { ItemResult } from '../domain/batch.ts';
import { diffResults } from '../reports/diff.ts';
import type { BatchDiff } from '../reports/diff.ts';
import { diffToHtml } from '../reports/diff-html.ts';
import { diffToMarkdown } from '../reports/diff-markdown.ts';
import { toHtml } from '../reports/html.ts';
import { toJunit } from '../reports/junit.ts';
import { toMarkdown } from '../reports/markdown.ts';
import { toSarifOfBatch } from '../reports/sarif.ts';
import { summarize } from '../reports/summary.ts';
import { resultsOfLines } from '../store/batch-lines.ts';
import { UsageError } from './cli-error.ts';
import { addConnectionOptions } from './connection-options.ts';
import type { ConnectionOptions } from './connection-options.ts';
import { EXIT } from './exit-codes.ts';
import { renderDiff } from './render-diff.ts';
import { withConnection } from './with-connection.ts';

/** What `batch run --out` writes into its folder. */
const RESULTS = 'results.jsonl';

type Results = AsyncIterable<ItemResult>;
type Text = Iterable<string> | AsyncIterable<string | Uint8Array>;

interface Parts {
  title: string;
  ks: number[] | undefined;
  codeOf?: ((result: ItemResult) => Promise<string | undefined>) | undefined;
}

/** What is reported on. */
interface Source extends Pick<Parts, 'title' | 'codeOf'> {
  results: Results;
}

const REPORTS: Record<string, (results: Results, parts: Parts) => Text | Promise<Text>> = {
  markdown: toMarkdown,
  html: toHtml,
  junit: toJunit,
  sarif: toSarifOfBatch,
  parquet: async (results) => (await import('../reports/parquet.ts')).toParquet(results),
  json: async (results, parts) => [`${JSON.stringify(await summarize(results, parts), null, 2)}\n`],
};

const DIFFS: Record<string, (diff: BatchDiff) => string> = {
  markdown: diffToMarkdown,
  text: renderDiff,
  html: diffToHtml,
  json: (diff) => JSON.stringify(diff, null, 2),
};

interface ReportOptions extends ConnectionOptions {
  format: string;
  out?: string;
  k?: number[];
}

/** `assay batch report BATCH|RESULTS.jsonl`. */
export function batchReportCommand(): Command {
  const command = new Command('report')
    .summary('tell what a batch came to, as Markdown, HTML, JUnit XML, SARIF, JSON or Parquet')
    .description('Reports on a batch, or on a file of its results. A file needs no server.')
    .argument('<batch>', 'name or id of a batch, or a file of results (.jsonl) or its folder (results/)')
    .addOption(
      new Option('--format <format>', 'kind of report').choices(Object.keys(REPORTS)).default('markdown'),
    )
    .option('-o, --out <file>', 'write it into this file')
    .option('--k <numbers>', 'the k of pass@k, such as 1,10 (default: 1,10,100, where there are so many)', ks)
    .addHelpText(
      'after',
      '\nExamples:\n  assay batch report nightly\n  assay batch report results/results.jsonl --format junit --out junit.xml\n  assay batch report nightly --format html --out report.html',
    );
  return addConnectionOptions(command).action((batch: string, options: ReportOptions) =>
    withSources([batch], options, async ([source]) => {
      const { results, title, codeOf } = source!;
      const report = await REPORTS[options.format]!(results, { title, ks: options.k, codeOf });
      if (options.out === undefined) await print(report);
      else await writeWhole(options.out, report);
    }),
  );
}

/** `assay batch diff A B`. */
export function batchDiffCommand(): Command {
  const command = new Command('diff')
    .summary('say what changed between two batches')
    .description(
      'Compares two batches, or files of their results. Exit code 1 where items newly fail or end in an error.',
    )
    .argument('<earlier>', 'name or id of a batch, or a file of results (.jsonl)')
    .argument('<later>', 'the one to compare with it')
    .addOption(
      new Option('--format <format>', 'how to tell it').choices(Object.keys(DIFFS)).default('markdown'),
    )
    .addHelpText('after', '\nExamples:\n  assay batch diff monday/results.jsonl tuesday/results.jsonl');
  return addConnectionOptions(command).action((earlier: string, later: string, options: ReportOptions) =>
    withSources([earlier, later], options, async ([before, after]) => {
      const diff = await diffResults(before!.results, after!.results);
      process.stdout.write(`${DIFFS[options.format]!(diff).trimEnd()}\n`);
      if (diff.newlyFailing.length + diff.newlyError.length > 0) process.exitCode = EXIT.failed;
    }),
  );
}

/** Only what is no file asks a server. */
async function withSources(
  names: string[],
  options: ConnectionOptions & { out?: string },
  work: (sources: Source[]) => Promise<void>,
): Promise<void> {
  if (options.out !== undefined) await assertFolderOf(options.out);
  const files = names.map(fileOf);
  if (files.every((file) => file !== undefined)) return await work(files.map(sourceOfFile));
  await withConnection(options, {}, async ({ assay }) => {
    const sourceOf = (name: string, at: number): Source => {
      const file = files[at];
      return file === undefined ? sourceOfBatch(assay.batches.get(name)) : sourceOfFile(file);
    };
    await work(names.map(sourceOf)).catch((error: unknown) => {
      const folder = names.find((name, at) => files[at] === undefined && existsSync(join(name, RESULTS)));
      if (folder === undefined || !(error instanceof BatchNotFoundError)) throw error;
      throw new UsageError(`${error.message}; the folder is ${folder}/`, { cause: error });
    });
  });
}

/** What ends in `.jsonl` or has a slash is a file, or a folder that `batch run --out` has written; all else is a batch. */
function fileOf(name: string): string | undefined {
  if (!name.endsWith('.jsonl') && !name.includes('/')) return undefined;
  return statSync(name, { throwIfNoEntry: false })?.isDirectory() ? join(name, RESULTS) : name;
}

function sourceOfFile(path: string): Source {
  const name = basename(path);
  return {
    results: resultsOfFile(path),
    title: name === RESULTS ? basename(dirname(resolve(path))) : name,
  };
}

function sourceOfBatch(handle: BatchHandle): Source {
  // Results come in the order of the items, so both are read side by side.
  const items = handle.items();
  return {
    results: handle.results(),
    title: handle.batchId,
    async codeOf({ index }) {
      for (;;) {
        const { value, done } = await items.next();
        if (done) return undefined;
        if (value.index === index) return value.code;
      }
    },
  };
}

async function assertFolderOf(path: string): Promise<void> {
  const folder = dirname(resolve(path));
  const found = await stat(folder).catch(() => undefined);
  if (!found?.isDirectory())
    throw new UsageError(`${folder} is no folder; make it first, or give another --out`);
  if ((await stat(path).catch(() => undefined))?.isDirectory())
    throw new UsageError(`${path} is a folder; --out names a file`);
}

/** Writes all of it or nothing: what was there before stays where the report fails. */
async function writeWhole(path: string, report: Text): Promise<void> {
  const unfinished = `${path}.${process.pid}.tmp`;
  try {
    await pipeline(Readable.from(report), createWriteStream(unfinished));
    await rename(unfinished, path);
  } finally {
    await rm(unfinished, { force: true });
  }
}

async function* resultsOfFile(path: string): AsyncGenerator<ItemResult> {
  try {
    yield* resultsOfLines(createReadStream(path));
  } catch (error) {
    const { code, name } = error as NodeJS.ErrnoException;
    if (code === undefined && name !== 'ZodError') throw error;
    const why =
      code === 'ENOENT'
        ? 'does not exist'
        : code === undefined
          ? 'is no file of results'
          : `cannot be read (${code})`;
    throw new UsageError(`${path} ${why}; assay batch run --out and assay batch results write one`, {
      cause: error,
    });
  }
}

async function print(texts: Text): Promise<void> {
  for await (const text of texts)
    if (!process.stdout.write(text)) await new Promise<void>((done) => process.stdout.once('drain', done));
}

function ks(text: string): number[] {
  const numbers = text.split(',').map(Number);
  if (numbers.every((number) => Number.isInteger(number) && number >= 1 && number <= 1_000_000))
    return numbers;
  throw new InvalidArgumentError('Give whole numbers from 1 on, such as 1,10.');
}
