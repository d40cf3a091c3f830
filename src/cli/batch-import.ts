import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Argument, Command, Option } from 'commander';
import { z } from 'zod';
import { fromHumanEval } from '../domain/import/human-eval.ts';
import type { ImportedItem, ImportOptions, Sample } from '../domain/import/imported-item.ts';
import { fromLiveCodeBench } from '../domain/import/live-code-bench.ts';
import { fromMbpp } from '../domain/import/mbpp.ts';
import { describeFaults, specFaults } from '../domain/spec-faults.ts';
import { rowsOfFolder } from './batch-items.ts';
import { UsageError } from './cli-error.ts';
import { rowsOf } from './import-rows.ts';
import { assertFolderOf, writeWhole } from './write-whole.ts';

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
      'JSON lines or a JSON array (.gz too, or - for stdin); for exercises a folder of code with tests beside',
    )
    .option('-o, --out <file>', 'write the items to this file instead of stdout')
    .option(
      '--samples <file>',
      'the same with the task and `completion`, `solution` or `code_list`: code to judge',
    )
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
      else {
        await assertFolderOf(options.out);
        await writeWhole(options.out, lines);
      }
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
  for await (const { line, value } of rowsOf(file)) {
    const id = (value as Record<string, unknown> | null)?.[task];
    try {
      if (!known) yield convert(value, { kind });
      for (const sample of known?.get(String(id)) ?? []) yield convert(value, { kind, sample });
      known?.delete(String(id));
    } catch (error) {
      throw faultOf(file, line, error);
    }
  }
  for (const [id] of known ?? [])
    throw new UsageError(`${samples} has samples of ${id}, which is not in ${file}`);
}

async function samplesOf(file: string, task: string): Promise<Map<string, Sample[]>> {
  const Row = z.object({
    [task]: z.union([z.int(), z.string().min(1)]),
    completion: z.string().optional(),
    solution: z.string().optional(),
    code_list: z.array(z.string()).optional(),
  });
  const samples = new Map<string, Sample[]>();
  for await (const { line, value } of rowsOf(file)) {
    const row = Row.safeParse(value);
    if (!row.success) throw faultOf(file, line, row.error);
    const { completion, solution, code_list = [] } = row.data as RowOfSamples;
    const id = String((row.data as Record<string, unknown>)[task]);
    const known = samples.get(id) ?? [];
    const add = (code: string, whole: boolean) => known.push({ code, whole, place: known.length });
    if (completion !== undefined) add(completion, false);
    if (solution !== undefined) add(solution, true);
    for (const code of code_list) add(code, true);
    samples.set(id, known);
  }
  return samples;
}

interface RowOfSamples {
  completion?: string;
  solution?: string;
  code_list?: string[];
}

function faultOf(file: string, line: number, error: unknown): UsageError {
  const why = error instanceof z.ZodError ? describeFaults(specFaults(error)) : (error as Error).message;
  return new UsageError(`${file} line ${line}: ${why}`, { cause: error });
}
