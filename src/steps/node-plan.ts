import type { JobInput } from '../domain/job-input.ts';
import type { SupervisedPlan } from './supervise.ts';
import { NODE_PARTS, runnerText } from './runner.ts';
import { solutionFile } from './work-folder.ts';

/** How Node runs a job's code: TypeScript without a build, which costs 3 ms to get ready for, and module kind by its syntax. */
function nodeFlags({ language, files }: JobInput): string[] {
  const typed = language === 'typescript' || files.some(({ path }) => /\.[cm]?ts$/.test(path));
  const flags = ['--no-warnings', '--experimental-detect-module'];
  return typed ? [...flags, '--experimental-transform-types'] : flags;
}

/** The code as a program of its own. */
export function programPlan(job: JobInput): SupervisedPlan {
  return { mode: 'command', argv: ['node', ...nodeFlags(job), solutionFile(job)], news: false, write: {} };
}

/** A node:test file beside the solution, below a harness that tells of each test. */
export function nodePlan(job: JobInput, code: string, tests: string, coverage: boolean): SupervisedPlan {
  const extension = job.language === 'typescript' ? 'ts' : 'js';
  const testFile = `solution.test.${extension}`;
  return {
    mode: 'command',
    argv: ['node', ...nodeFlags(job), '--eval', harness()],
    mayFork: !coverage,
    news: true,
    environment: {
      ASSAY_TEST_FILE: testFile,
      ASSAY_COVERAGE: coverage ? solutionFile(job) : '',
      ASSAY_MARKS: String(tests.split('\n').length + 1),
    },
    write: { [solutionFile(job)]: code, [testFile]: `${tests}\n${MARK}\n` },
    watch: testFile,
  };
}

/** Code and tests in one scope: one file, whose end is reached only by running it. */
export function scriptPlan(job: JobInput, code: string, tests: string): SupervisedPlan {
  const extension = job.language === 'typescript' ? 'ts' : 'js';
  const file = `script.test.${extension}`;
  const lines = code.split('\n').length;
  const last = lines + tests.split('\n').length + 1;
  return {
    mode: 'command',
    argv: ['node', ...nodeFlags(job), '--eval', harness()],
    mayFork: true,
    news: true,
    environment: {
      ASSAY_TEST_FILE: file,
      ASSAY_MARKS: `${lines + 1},${last}`,
    },
    write: { [file]: `${code}\n${MARK}${tests}\n${lastMark(tests)}\n` },
    watch: file,
  };
}

/** Reached only by running all that comes before it. */
const MARK = ';globalThis.__assayMark();';

/** What tests decide by, and no code has one of its own that tests could mean. */
const OF_NODE = ['process', 'Object', 'Number', 'Array', 'String', 'JSON', 'setTimeout', 'setImmediate'];

/** Shows the harness what the tests have taken for Node's. */
function lastMark(tests: string): string {
  const shown = OF_NODE.filter((name) => new RegExp(`(?<![.\\w])${name}[.(]`).test(tests));
  // Functions of the tests' own: theirs is the last text of such a name.
  for (const [, name] of tests.matchAll(/^(?:async )?function\*? ?(\w+)/gm)) shown.push(name!);
  // There is none in a module.
  if (/\brequire\(/.test(tests)) shown.push(`require: typeof require === 'undefined' ? 0 : require`);
  return `;globalThis.__assayMark({ ${shown.join(', ')} });`;
}

/** As a data URL: a module, whatever Node takes the text of `--eval` for, and no file that the code could change. */
function harness(): string {
  const encoded = Buffer.from(NODE_PARTS.map(runnerText).join('\n')).toString('base64');
  return `import('data:text/javascript;base64,${encoded}')`;
}
