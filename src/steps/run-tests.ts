import type { Sandbox } from '@e2b/code-interpreter';
import type { JobInput } from '../domain/job-input.ts';
import type { TestOutcome } from '../domain/step-outcome.ts';
import { textOfContent } from '../store/content.ts';
import { bashTricks, faultWithTricks } from './bash-tricks.ts';
import type { BashTricks } from './bash-tricks.ts';
import { declaredTests } from './declared-tests.ts';
import { runIoTests } from './io-tests.ts';
import { bashPlan } from './bash-plan.ts';
import { nodePlan, scriptPlan } from './node-plan.ts';
import { OutputKeeper } from './output.ts';
import type { Runner } from './runner.ts';
import type { StepContext } from './step-context.ts';
import { supervise } from './supervise.ts';
import type { SupervisedHandlers, SupervisedPlan } from './supervise.ts';
import { judgeTests } from './test-judgement.ts';
import { reportOf } from './test-report.ts';

/**
 * Runs the job's tests in the sandbox, below a parent process that alone reports. What the code does wrong is a fault in the
 * outcome; what the world does is thrown. Default of `warm`: a parent of its own.
 */
export async function runTests(
  sandbox: Sandbox,
  job: JobInput,
  context: StepContext,
  warm?: Runner,
): Promise<TestOutcome> {
  if (!job.tests) throw new TypeError('The job has no tests');
  if (job.tests.kind === 'io') return runIoTests(sandbox, job, context, warm);
  const [code, tests] = await Promise.all([
    textOfContent(job.code, context.store),
    textOfContent(job.tests.source, context.store),
  ]);
  const output = {
    stdout: new OutputKeeper(job.limits.outputChars),
    stderr: new OutputKeeper(job.limits.outputChars),
  };
  try {
    const handlers: SupervisedHandlers = { onOutput: (stream, text) => output[stream].push(text) };
    const tricks = job.language === 'bash' ? await bashTricks(code, tests) : undefined;
    const run = await supervise(sandbox, job, planOf(job, code, tests, tricks), context, handlers, warm);
    if (job.tests.kind === 'node') run.news.unshift(['declared', await declaredTests(tests, job.language)]);
    const {
      cases,
      coverage,
      fault: judged,
    } = judgeTests(run, {
      timeoutMs: job.limits.timeoutMs,
      memoryMb: job.limits.memoryMb,
      internet: job.limits.internet,
      stderr: output.stderr.tail,
      thresholds: job.tests.coverage,
    });
    const fault = tricks ? faultWithTricks(judged, tricks) : judged;
    const stdout = await output.stdout.end(context.store);
    const stderr = await output.stderr.end(context.store);
    return { tests: reportOf(job.tests.kind, cases, { coverage, stdout, stderr }), fault };
  } finally {
    output.stdout.discard();
    output.stderr.discard();
  }
}

function planOf(job: JobInput, code: string, tests: string, tricks?: BashTricks): SupervisedPlan {
  const coverage = job.tests?.coverage !== undefined;
  if (job.tests?.kind === 'node') return nodePlan(job, code, tests, coverage);
  if (tricks) return bashPlan(code, tricks);
  if (job.tests?.kind === 'script' && job.language !== 'python') return scriptPlan(job, code, tests);
  if (job.tests?.kind === 'script') return { mode: 'script', code, tests };
  const own = job.files.flatMap(({ path }) => /^([^/.]+)(?:\.py$|\/)/.exec(path)?.[1] ?? []);
  return {
    mode: 'pytest',
    code,
    tests,
    coverage,
    modules: [...new Set(['solution', ...own])],
    conftest: job.files.some(({ path }) => /(^|\/)conftest\.py$/.test(path)),
  };
}
