import { Command, InvalidArgumentError, Option } from 'commander';
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
import { addConnectionOptions } from './connection-options.ts';
import type { ConnectionOptions } from './connection-options.ts';
import { EXIT } from './exit-codes.ts';
import { printPart } from './print.ts';
import { renderDiff } from './render-diff.ts';
import { withSources } from './report-sources.ts';
import type { Source } from './report-sources.ts';
import { assertFolderOf, writeWhole } from './write-whole.ts';
import type { Text } from './write-whole.ts';

type Results = AsyncIterable<ItemResult>;

interface Parts {
  title: string;
  ks: number[] | undefined;
  codeOf: Source['codeOf'];
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
  return addConnectionOptions(command).action(async (batch: string, options: ReportOptions) => {
    if (options.out !== undefined) await assertFolderOf(options.out);
    await withSources([batch], options, async ([source]) => {
      const { results, title, codeOf } = source!;
      const report = await REPORTS[options.format]!(results, { title, ks: options.k, codeOf });
      await tell(report, options);
    });
  });
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
    .option('-o, --out <file>', 'write it into this file')
    .addHelpText('after', '\nExamples:\n  assay batch diff monday/results.jsonl tuesday/results.jsonl');
  return addConnectionOptions(command).action(
    async (earlier: string, later: string, options: ReportOptions) => {
      if (options.out !== undefined) await assertFolderOf(options.out);
      await withSources([earlier, later], options, async ([before, after]) => {
        const diff = await diffResults(before!.results, after!.results);
        await tell([`${DIFFS[options.format]!(diff).trimEnd()}\n`], options);
        if (diff.newlyFailing.length + diff.newlyError.length > 0) process.exitCode = EXIT.failed;
      });
    },
  );
}

async function tell(report: Text, { out }: ReportOptions): Promise<void> {
  if (out === undefined) await print(report);
  else await writeWhole(out, report);
}

async function print(texts: Text): Promise<void> {
  for await (const text of texts) await printPart(text);
}

function ks(text: string): number[] {
  const numbers = text.split(',').map(Number);
  if (numbers.every((number) => Number.isInteger(number) && number >= 1 && number <= 1_000_000))
    return numbers;
  throw new InvalidArgumentError('Give whole numbers from 1 on, such as 1,10.');
}
