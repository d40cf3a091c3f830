import type { Sandbox } from '@e2b/code-interpreter';
import { faultOfDeath, lastLine, oneLine } from '../domain/fault-of-error.ts';
import type { JobInput } from '../domain/job-input.ts';
import type { TestCase } from '../domain/job-result.ts';
import type { IoCase } from '../domain/job-spec.ts';
import type { CodeFault, TestOutcome } from '../domain/step-outcome.ts';
import { textOfContent } from '../store/content.ts';
import { deathOf, outputFault, timeoutFault } from './limit-faults.ts';
import { compareOutput } from './compare-output.ts';
import { OutputKeeper } from './output.ts';
import type { Runner } from './runner.ts';
import type { StepContext } from './step-context.ts';
import { supervise } from './supervise.ts';
import type { ProcessEnd, SupervisedHandlers } from './supervise.ts';
import { reportOf } from './test-report.ts';
import { uploadFiles, solutionFile } from './work-folder.ts';

/** Output of one case beyond this is a wrong answer without a look at it. */
const CASE_OUTPUT_CHARS = 8 * 1024 * 1024;

/**
 * Runs the code as a program once a case. The expected outputs stay outside of the sandbox: the comparison is made here. The time
 * limit is that of all cases together.
 */
export async function runIoTests(
  sandbox: Sandbox,
  job: JobInput,
  context: StepContext,
  warm?: Runner,
): Promise<TestOutcome> {
  const [code, source] = await Promise.all([
    textOfContent(job.code, context.store),
    textOfContent(job.tests!.source, context.store),
  ]);
  const expected = JSON.parse(source) as IoCase[];
  await uploadFiles(sandbox, job, context, [{ path: solutionFile(job), data: code }]);
  const answers = expected.map(() => '');
  const output = {
    stdout: new OutputKeeper(job.limits.outputChars),
    stderr: new OutputKeeper(job.limits.outputChars),
  };
  try {
    const mayFork = job.language === 'javascript' || job.language === 'typescript';
    const inputs = expected.map(({ stdin }) => stdin ?? '');
    const plan = { mode: 'program' as const, code, inputs, mayFork };
    const handlers: SupervisedHandlers = {
      onOutput(stream, text, at) {
        output[stream].push(text);
        if (stream === 'stdout' && answers[at] !== undefined && answers[at].length < CASE_OUTPUT_CHARS)
          answers[at] += text;
      },
    };
    const run = await supervise(sandbox, job, plan, context, handlers, warm);
    const cases = expected.map((test, at) => judgeCase(test, at, answers[at]!, run.ends[at]));
    const fault = faultOf(job, run.ends, cases, output.stderr.tail);
    const stdout = await output.stdout.end(context.store);
    const stderr = await output.stderr.end(context.store);
    return { tests: reportOf('io', cases, { stdout, stderr }), fault };
  } finally {
    output.stdout.discard();
    output.stderr.discard();
  }
}

function judgeCase(test: IoCase, at: number, answer: string, end: ProcessEnd | undefined): TestCase {
  const name = test.name ?? `case ${at + 1}`;
  if (!end) return { name, outcome: 'failed', durationMs: 0, message: 'did not run' };
  const durationMs = Math.round((end.ms ?? 0) * 100) / 100;
  const failed = (message: string): TestCase => ({ name, outcome: 'failed', durationMs, message });
  if (end.why === 'timeout') return failed('did not end within the time limit');
  if (end.why === 'output') return failed('printed more than 64 MB');
  if (end.signal) return failed(`ended by signal ${end.signal}`);
  if (end.code !== 0) return failed(`ended with exit code ${end.code}`);
  if (end.survivors?.length) return failed(`${end.survivors.join(', ')} outlived the program`);
  const difference = compareOutput(test.stdout, answer);
  return difference === undefined ? { name, outcome: 'passed', durationMs } : failed(difference);
}

function faultOf(
  job: JobInput,
  ends: ProcessEnd[],
  cases: TestCase[],
  stderr: string,
): CodeFault | undefined {
  const failures = cases.filter((test) => test.outcome === 'failed');
  const first = failures[0];
  if (!first) return undefined;
  const end = ends[cases.indexOf(first)];
  if (!end) {
    const evidence = 'the runner was killed by the code under test';
    return {
      category: 'forged',
      evidence,
      sentence: `The outcome of the tests cannot be trusted: ${evidence}`,
    };
  }
  if (end.why === 'timeout') return timeoutFault(job, `The program, in ${first.name},`);
  if (end.why === 'output') return outputFault(`The program, in ${first.name},`);
  const sentence = `${failures.length} of ${cases.length} cases failed, first ${first.name}`;
  const shown = `${first.name}: ${oneLine(first.message ?? '')}`;
  if (end.survivors?.length) return { category: 'forged', evidence: shown, sentence };
  if (!end.signal && end.code === 0) return { category: 'assertion', evidence: shown, sentence };
  const category = faultOfDeath(deathOf(end, job.limits.memoryMb), stderr);
  return {
    category,
    evidence: `${first.name}: ${oneLine(lastLine(stderr)) || oneLine(first.message ?? '')}`,
    sentence,
  };
}
