import { isUtf8 } from 'node:buffer';
import { glob, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InvalidArgumentError } from 'commander';
import type { BatchItems } from '../client/batches.ts';
import type { Language } from '../domain/language.ts';
import { parseReference } from '../store/reference.ts';
import { bytesOfFile } from './bytes-of-file.ts';
import { UsageError } from './cli-error.ts';
import { filesUnderOwnName } from './own-name.ts';

const KINDS: [RegExp, Language, 'pytest' | 'node', (base: string) => string[]][] = [
  [
    /\.py$/,
    'python',
    'pytest',
    (base) => [`${base}_test.py`, join(base, '..', `test_${base.split('/').at(-1)}.py`)],
  ],
  [/\.m?js$/, 'javascript', 'node', (base) => [`${base}.test.js`, `${base}.test.mjs`]],
  [/\.ts$/, 'typescript', 'node', (base) => [`${base}.test.ts`]],
];
const IS_TEST = /(^|\/)test_[^/]*\.py$|_test\.py$|\.test\.(m?js|ts)$/;

/**
 * What ITEMS names: a file of JSON lines or CSV, `-` for stdin (CSV where a map is given), a file in a bucket, a blob of the store, or a
 * folder of code with tests beside. Throws UsageError.
 */
export async function batchItems(source: string, map?: Record<string, string>): Promise<BatchItems> {
  if (source === '-') return map ? { csv: process.stdin, map } : { jsonLines: process.stdin };
  if (source.startsWith('blob:')) {
    if (parseReference(source)) return { blob: { ref: source } };
    throw new UsageError(`${source} is no reference into the store; one looks like blob:sha256:…`);
  }
  if (/^(s3|gs|gcs|azblob):\/\//i.test(source)) return { url: source, map };
  if (/^file:\/\//i.test(source)) return await batchItems(fileOfUrl(source), map);
  const found = await stat(source).catch((error: NodeJS.ErrnoException) => {
    const why = error.code === 'ENOENT' ? 'does not exist' : `cannot be read (${error.code})`;
    throw new UsageError(
      `${source} ${why}; give a file of JSON lines, a folder, an s3:, gs: or azblob: URL, a store reference or -`,
    );
  });
  const isCsv = /\.csv(\.gz)?$/i.test(source) && found.isFile();
  const isParquet = /\.parquet$/i.test(source) && found.isFile();
  if (map && !isCsv && !isParquet) throw new UsageError(`--map is for CSV and Parquet; ${source} is neither`);
  if (isParquet) return { parquet: source, map };
  if (found.isDirectory()) return { rows: rowsOfFolder(source) };
  return isCsv ? { csv: bytesOfFile(source), map } : { jsonLines: bytesOfFile(source) };
}

function fileOfUrl(url: string): string {
  try {
    return fileURLToPath(url);
  } catch (error) {
    throw new UsageError(`${url} must be file:///ABSOLUTE/PATH`, { cause: error });
  }
}

/** `id=task_id,tests.code=test` as a map of fields to columns. */
export function columnMap(text: string): Record<string, string> {
  const pairs = text.split(',').map((pair) => {
    const [field = '', column = ''] = pair.split(/=(.*)/s).map((part) => part.trim());
    if (field === '' || column === '')
      throw new InvalidArgumentError('It must look like field=column,field=column');
    return [field, column];
  });
  return Object.fromEntries(pairs) as Record<string, string>;
}

/** One item for each file that has a test file beside it; its id is its path in the folder. */
export async function* rowsOfFolder(folder: string): AsyncGenerator<unknown> {
  let count = 0;
  const paths = await Array.fromAsync(
    glob('**/*.{py,js,mjs,ts}', { cwd: folder, exclude: ['**/node_modules/**'] }),
  );
  const known = new Set(paths);
  for (const path of paths.toSorted()) {
    const kind = IS_TEST.test(path) ? undefined : KINDS.find(([ending]) => ending.test(path));
    if (!kind) continue;
    const [ending, language, testKind, testsOf] = kind;
    const test = testsOf(path.replace(ending, '')).find((name) => known.has(name));
    if (test === undefined) continue;
    count += 1;
    const [code, tests] = await Promise.all([textOf(join(folder, path)), textOf(join(folder, test))]);
    const files = filesUnderOwnName({ path, language, code }, tests);
    yield {
      id: path,
      language,
      code,
      tests: { kind: testKind, code: tests },
      ...(files.length > 0 && { files }),
    };
  }
  if (count === 0)
    throw new UsageError(
      `${folder} has no code with tests beside: solve.py with solve_test.py or test_solve.py, solve.ts with solve.test.ts`,
    );
}

/** Throws UsageError where it is no UTF-8: half of a program would be judged otherwise. */
async function textOf(path: string): Promise<string> {
  const bytes = await readFile(path);
  if (!isUtf8(bytes)) throw new UsageError(`${path} is not UTF-8; write it as that, or leave it out`);
  return bytes.toString('utf8');
}
