import { createReadStream } from 'node:fs';
import { glob, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { BatchItems } from '../client/batches.ts';
import type { Language } from '../domain/language.ts';
import { UsageError } from './cli-error.ts';

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

/** What ITEMS names: a file of JSON lines, `-` for stdin, a blob of the store, or a folder of code with tests beside. Throws UsageError. */
export async function batchItems(source: string): Promise<BatchItems> {
  if (source === '-') return { jsonLines: process.stdin };
  if (source.startsWith('blob:')) return { blob: { ref: source } };
  const found = await stat(source).catch((error: NodeJS.ErrnoException) => {
    const why = error.code === 'ENOENT' ? 'does not exist' : `cannot be read (${error.code})`;
    throw new UsageError(`${source} ${why}; give a file of JSON lines, a folder, a store reference or -`);
  });
  return found.isDirectory() ? { rows: rowsOfFolder(source) } : { jsonLines: createReadStream(source) };
}

/** One item for each file that has a test file beside it; its id is its path in the folder. */
async function* rowsOfFolder(folder: string): AsyncGenerator<unknown> {
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
    const [code, tests] = await Promise.all([path, test].map((name) => readFile(join(folder, name), 'utf8')));
    yield { id: path, language, code, tests: { kind: testKind, code: tests } };
  }
  if (count === 0)
    throw new UsageError(
      `${folder} has no code with tests beside: solve.py with solve_test.py or test_solve.py, solve.ts with solve.test.ts`,
    );
}
