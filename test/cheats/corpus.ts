import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JobSpec } from '../../src/domain/job-spec.ts';

/** One program of the corpus with its tests. */
export interface CorpusCase {
  /** Where it lies, such as `forged/pytest/skip.py`. */
  id: string;
  /** What it does, from its first line. */
  sentence: string;
  /** How it must fail: a category, or `any`. Default: `forged`; nothing for honest programs. */
  expect: string;
  spec: JobSpec;
}

const EXTENSIONS = { python: 'py', javascript: 'js', typescript: 'ts', bash: 'sh' } as const;

/** Forgeries, odd but honest programs, and honest ones that are wrong. */
export type Side = 'forged' | 'honest' | 'wrong';

/**
 * All programs of a side. A folder is called by its kind of tests and, where that does not tell it, its language. A program has the tests
 * that bear its name, those of the program that it names (`tests: NAME`), or those of its folder.
 */
export function corpusOf(side: Side): CorpusCase[] {
  const root = join(import.meta.dirname, 'fixtures', side);
  return readdirSync(root)
    .toSorted()
    .flatMap((folder) => casesOf(side, root, folder));
}

function casesOf(side: Side, root: string, folder: string): CorpusCase[] {
  const [kind, language = 'python'] = folder.split('-') as [
    'pytest' | 'node' | 'script' | 'io',
    keyof typeof EXTENSIONS | undefined,
  ];
  const extension = EXTENSIONS[language];
  const read = (name: string): string => readFileSync(join(root, folder, name), 'utf8');
  const names = readdirSync(join(root, folder)).toSorted();
  const programs = names.filter((name) => name.endsWith(`.${extension}`) && !/(^|\.)tests\./.test(name));
  return programs.map((name) => {
    const code = read(name);
    const [, other] = /^\W+tests: ([\w-]+)$/m.exec(code) ?? [];
    const own = `${other ?? name.replace(/\.\w+$/, '')}.tests.${extension}`;
    const tests =
      other || names.includes(own) ? read(own) : read(kind === 'io' ? 'tests.json' : `tests.${extension}`);
    return {
      id: `${side}/${folder}/${name}`,
      sentence: /^\W+(.*)/.exec(code)![1]!,
      expect: /^\W+expect: (\w+)/m.exec(code)?.[1] ?? 'forged',
      spec: {
        language,
        code,
        tests: kind === 'io' ? { kind, cases: JSON.parse(tests) } : { kind, code: tests },
        limits: { timeoutMs: 6_000 },
      } as JobSpec,
    };
  });
}
