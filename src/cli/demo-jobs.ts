import { join } from 'node:path';
import type { JobResult, Verdict } from '../domain/job-result.ts';
import { PROJECT_ROOT } from '../home.ts';
import type { SpecOptions } from './run-options.ts';

/** One of the five jobs of `assay demo`. */
export interface DemoJob {
  title: string;
  /** Folder below `examples/`, and the file with the code in it. */
  folder: string;
  code: string;
  options?: Partial<SpecOptions>;
  expected: Verdict;
  /** Whether its sandbox is killed under it. */
  killed?: boolean;
  /** What there is to see besides the verdict; undefined where it is missing from the result. */
  shows: (result: JobResult) => string | undefined;
}

export const DEMO_JOBS: DemoJob[] = [
  {
    title: 'a Python function with pytest and coverage',
    folder: 'passing-tests',
    code: 'slugify.py',
    options: { tests: 'test_slugify.py', coverageLines: 90, coverageBranches: 80 },
    expected: 'passed',
    shows: ({ tests }) =>
      tests?.coverage &&
      `${tests.passed} of ${tests.total} tests passed, ${Math.floor(tests.coverage.lines.percent)} % of lines covered`,
  },
  {
    title: 'a CSV turned into a chart',
    folder: 'csv-chart',
    code: 'chart.py',
    options: { file: ['sales.csv'], artifact: ['out/*'] },
    expected: 'passed',
    shows: ({ artifacts, execution }) => {
      const chart = execution?.results.find(
        (result) => result.data['image/png'] !== undefined && result.chart,
      );
      const png = artifacts.find(({ path }) => path === 'out/revenue.png');
      return (
        chart &&
        png &&
        `${png.path} and the data of a ${String((chart.chart as { type?: unknown }).type)} chart came back`
      );
    },
  },
  {
    title: 'a TypeScript function with a failing test',
    folder: 'failing-test',
    code: 'median.ts',
    options: { tests: 'median.test.ts' },
    expected: 'failed',
    shows: ({ tests, diagnosis }) =>
      tests && diagnosis && `${tests.failed} of ${tests.total} tests failed (${diagnosis.category})`,
  },
  {
    title: 'code that opens a shell for someone else',
    folder: 'rejected',
    code: 'backup.py',
    expected: 'rejected',
    shows: ({ findings }) => findings.find(({ severity }) => severity === 'error')?.rule,
  },
  {
    title: 'a job whose sandbox is killed under it',
    folder: 'killed-sandbox',
    code: 'primes.py',
    expected: 'passed',
    killed: true,
    shows: ({ execution }) =>
      execution?.stdout.text.startsWith('9592 primes')
        ? 'ran again in a new sandbox, and has its output'
        : undefined,
  },
];

/** Where the code of a demo's job lies, and its options with the paths of its own folder. */
export function demoSource({ folder, code, options = {} }: DemoJob): { path: string; options: SpecOptions } {
  const inFolder = (name: string) => join(PROJECT_ROOT, 'examples', folder, name);
  return {
    path: inFolder(code),
    options: {
      artifact: [],
      label: { demo: folder },
      ...options,
      file: (options.file ?? []).map(inFolder),
      ...(options.tests !== undefined && { tests: inFolder(options.tests) }),
    },
  };
}
