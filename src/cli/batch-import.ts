import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { Argument, Command, Option } from 'commander';
import { z } from 'zod';
import { rowsOfJsonLines } from '../store/json-lines.ts';
import { fromHumanEval } from '../domain/import/human-eval.ts';
import type { ImportedItem, ImportOptions } from '../domain/import/imported-item.ts';
import { fromLiveCodeBench } from '../domain/import/live-code-bench.ts';
import { fromMbpp } from '../domain/import/mbpp.ts';
import { rowsOfFolder } from './batch-items.ts';
import { UsageError } from './cli-error.ts';

interface Format {
  /** The field that names a task. */
  task: string;
  convert: (line: unknown, options: ImportOptions) => ImportedItem;
}

const FORMATS: Record<string, Format> = {
  humaneval: { task: 'task_id', convert: fromHumanEval },
  mbpp: { task: 'task_id', convert: fromMbpp },
  livecodebench: { task: 'question_id', convert: fromLiveCodeBench },
};

interface BatchImportOptions {
  out?: string;
  samples?: string;
  kind?: 'script' | 'pytest';
}

/** `assay batch import FORMAT FILE`. */
export function batchImportCommand(): Command {
  return new Command('import')
    .summary('turn a known data set into items of a batch')
    .description('Writes the items as JSON lines, for assay batch run. Needs no server and runs nothing.')
    .addArgument(new Argument('<format>', 'what FILE is').choices([...Object.keys(FORMATS), 'exercises']))
    .argument(
      '<file>',
      'JSON lines (.gz too, or - for stdin); for exercises a folder of code with tests beside',
    )
    .option('-o, --out <file>', 'write the items to this file instead of stdout')
    .option('--samples <file>', 'JSON lines with the task and `completion` or `code_list`: code to judge')
    .addOption(
      new Option('--kind <kind>', 'kind of tests, where they are code').choices(['script', 'pytest']),
    )
    .addHelpText(
      'after',
      `
Examples:
  assay batch import humaneval HumanEval.jsonl.gz --samples samples.jsonl --out items.jsonl
  assay batch import mbpp mbpp.jsonl | assay batch run -
  assay batch import exercises exercises/ --out items.jsonl`,
    )
    .action(async (name: string, file: string, options: BatchImportOptions) => {
      const format = FORMATS[name];
      if (!format && (options.samples !== undefined || options.kind !== undefined))
        throw new UsageError('--samples and --kind are not for exercises');
      const lines = textOf(format ? itemsOf(format, file, options) : rowsOfFolder(file));
      if (options.out === undefined) await pipeline(Readable.from(lines), process.stdout, { end: false });
      else await pipeline(Readable.from(lines), createWriteStream(options.out));
    });
}

async function* textOf(items: AsyncIterable<unknown>): AsyncGenerator<string> {
  for await (const item of items) yield `${JSON.stringify(item)}\n`;
}

async function* itemsOf(
  { task, convert }: Format,
  file: string,
  { samples, kind }: BatchImportOptions,
): AsyncGenerator<ImportedItem> {
  const known = samples === undefined ? undefined : await samplesOf(samples, task);
  for await (const { line, value } of linesOf(file)) {
    const id = (value as Record<string, unknown> | null)?.[task];
    try {
      if (!known) yield convert(value, { kind });
      for (const [place, completion] of (known?.get(String(id)) ?? []).entries())
        yield convert(value, { kind, sample: { completion, place } });
      known?.delete(String(id));
    } catch (error) {
      throw faultOf(file, line, error);
    }
  }
  for (const [id] of known ?? [])
    throw new UsageError(`${samples} has samples of ${id}, which is not in ${file}`);
}

async function samplesOf(file: string, task: string): Promise<Map<string, string[]>> {
  const Row = z.object({
    [task]: z.union([z.int(), z.string().min(1)]),
    completion: z.string().optional(),
    code_list: z.array(z.string()).optional(),
  });
  const samples = new Map<string, string[]>();
  for await (const { line, value } of linesOf(file)) {
    const row = Row.safeParse(value);
    if (!row.success) throw faultOf(file, line, row.error);
    const { completion, code_list = [] } = row.data as { completion?: string; code_list?: string[] };
    const codes = completion === undefined ? code_list : [completion, ...code_list];
    const id = String((row.data as Record<string, unknown>)[task]);
    samples.set(id, [...(samples.get(id) ?? []), ...codes]);
  }
  return samples;
}

async function* linesOf(file: string): AsyncGenerator<{ line: number; value: unknown }> {
  if (file !== '-') {
    const found = await stat(file).catch(() => undefined);
    if (!found?.isFile()) throw new UsageError(`${file} ${found ? 'is no file' : 'does not exist'}`);
  }
  const bytes = file === '-' ? process.stdin : createReadStream(file);
  const stream = file.endsWith('.gz') ? bytes.pipe(createGunzip()) : bytes;
  try {
    for await (const { line, value, fault } of rowsOfJsonLines(stream)) {
      if (fault !== undefined) throw new UsageError(`${file} line ${line} ${fault}`);
      yield { line, value };
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (!code?.startsWith('Z_')) throw error;
    throw new UsageError(`${file} is no gzip file, or a damaged one (${code})`, { cause: error });
  }
}

function faultOf(file: string, line: number, error: unknown): UsageError {
  const why =
    error instanceof z.ZodError
      ? error.issues.map(({ path, message }) => [...path, message].join(': ')).join('; ')
      : (error as Error).message;
  return new UsageError(`${file} line ${line}: ${why}`, { cause: error });
}
