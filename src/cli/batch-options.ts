import { Option } from 'commander';
import type { Command } from 'commander';
import type { BatchItems } from '../client/batches.ts';
import { ISOLATIONS } from '../domain/batch.ts';
import type { BatchOptions } from '../domain/batch.ts';
import { batchItems, columnMap } from './batch-items.ts';
import { UsageError } from './cli-error.ts';
import { parseJson } from './parse-json.ts';
import { readText } from './read-input.ts';
import { wholeNumber } from './run-options.ts';

/** What may be said of the items of a batch. */
export interface ItemFlags extends Pick<BatchOptions, 'skipBad'> {
  defaults?: string;
  map?: Record<string, string>;
}

/** What may be said of how a batch runs. */
export type HowFlags = Pick<BatchOptions, 'concurrency' | 'isolation' | 'failFast' | 'attempts' | 'priority'>;

/** Options that fill `ItemFlags`. */
export function addItemOptions(command: Command): Command {
  return command
    .option('--defaults <file>', 'JSON with fields of a JobSpec for every item')
    .option(
      '--map <field=column,...>',
      'columns of CSV or Parquet, such as id=task,code=solution,tests.code=test',
      columnMap,
    )
    .option('--skip-bad', 'record items that are no valid job as error, instead of refusing all');
}

/** Options that fill `HowFlags`. */
export function addHowOptions(command: Command): Command {
  return command
    .option(
      '--concurrency <number>',
      'shards at work at once (default: 1.5 for each that the workers have room for)',
      wholeNumber(1, 500),
    )
    .addOption(
      new Option('--isolation <kind>', 'a fresh sandbox for each item, or one for a shard').choices(
        ISOLATIONS,
      ),
    )
    .option('--fail-fast <number>', 'stop after so many items that did not pass', wholeNumber(1, 1e9))
    .option(
      '--attempts <number>',
      'run each item so often; verdicts that disagree are flaky',
      wholeNumber(1, 100),
    )
    .option('--priority <number>', '1 goes first, 5 last (default: 3)', wholeNumber(1, 5));
}

/** The items that ITEMS names, and the defaults for them. Throws UsageError. */
export async function readItems(
  source: string,
  { defaults, map }: ItemFlags,
): Promise<{ items: BatchItems; defaults: Record<string, unknown> }> {
  return {
    defaults: defaults === undefined ? {} : await readDefaults(defaults),
    items: await batchItems(source, map),
  };
}

async function readDefaults(path: string): Promise<Record<string, unknown>> {
  const value = parseJson(await readText(path, 'the defaults'), path);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new UsageError(`${path} must be a JSON object with fields of a JobSpec`);
  return value as Record<string, unknown>;
}
