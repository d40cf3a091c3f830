import { createReadStream, existsSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import type { BatchHandle, BatchItem } from '../client/batch-handle.ts';
import { BatchNotFoundError } from '../client/errors.ts';
import type { ItemResult } from '../domain/batch.ts';
import { resultsOfLines } from '../store/batch-lines.ts';
import { rowsOfJsonLines } from '../store/json-lines.ts';
import { UsageError } from './cli-error.ts';
import type { ConnectionOptions } from './connection-options.ts';
import { givenUp, withConnection } from './with-connection.ts';

/** What `batch run --out` writes into its folder: the results, and the code of the items, one line of JSON each. */
export const RESULTS_FILE = 'results.jsonl';
export const CODE_FILE = 'code.jsonl';
const CodeLine = z.object({ index: z.number(), id: z.string(), code: z.string() });

/** What is reported on. */
export interface Source {
  title: string;
  results: AsyncIterable<ItemResult>;
  /** Asked for items in the order of the results. */
  codeOf?: ((result: ItemResult) => Promise<string | undefined>) | undefined;
}

/** Only what is no file asks a server. */
export async function withSources(
  names: string[],
  options: ConnectionOptions,
  work: (sources: Source[]) => Promise<void>,
): Promise<void> {
  const files = names.map(fileOf);
  if (files.every((file) => file !== undefined)) return await work(files.map(sourceOfFile));
  await withConnection(options, {}, async ({ assay }, signal) => {
    const sourceOf = (name: string, at: number): Source => {
      const file = files[at];
      return file === undefined ? sourceOfBatch(assay.batches.get(name)) : sourceOfFile(file);
    };
    await Promise.race([work(names.map(sourceOf)), givenUp(signal)]).catch((error: unknown) => {
      const folder = names.find(
        (name, at) => files[at] === undefined && existsSync(join(name, RESULTS_FILE)),
      );
      if (folder === undefined || !(error instanceof BatchNotFoundError)) throw error;
      throw new UsageError(`${error.message}; the folder is ${folder}/`, { cause: error });
    });
  });
}

/** What ends in `.jsonl` or has a slash is a file, or a folder that `batch run --out` has written; all else is a batch. */
function fileOf(name: string): string | undefined {
  if (!name.endsWith('.jsonl') && !name.includes('/')) return undefined;
  return statSync(name, { throwIfNoEntry: false })?.isDirectory() ? join(name, RESULTS_FILE) : name;
}

function sourceOfFile(path: string): Source {
  const name = basename(path);
  const code = join(dirname(path), CODE_FILE);
  return {
    results: resultsOfFile(path),
    title: name === RESULTS_FILE ? basename(dirname(resolve(path))) : name,
    codeOf: existsSync(code) ? codeFrom(codeOfFile(code)) : undefined,
  };
}

function sourceOfBatch(handle: BatchHandle): Source {
  return { results: handle.results(), title: handle.batchId, codeOf: codeFrom(handle.items()) };
}

type ItemCode = Pick<BatchItem, 'index' | 'id' | 'code'>;

/** Results come in the order of the items, so both are read side by side. */
function codeFrom(items: AsyncIterator<ItemCode>): NonNullable<Source['codeOf']> {
  let last: ItemCode | undefined;
  return async ({ index, id }) => {
    while (last === undefined || last.index < index) {
      const { value, done } = await items.next();
      if (done) return undefined;
      last = value;
    }
    return last.index === index && last.id === id ? last.code : undefined;
  };
}

async function* codeOfFile(path: string): AsyncGenerator<ItemCode> {
  for await (const { value } of rowsOfJsonLines(createReadStream(path))) {
    const item = CodeLine.safeParse(value);
    if (item.success) yield item.data;
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
