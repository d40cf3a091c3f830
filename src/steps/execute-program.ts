import type { Sandbox } from '@e2b/code-interpreter';
import { evidenceOf, faultOfDeath, lastLine, oneLine } from '../domain/fault-of-error.ts';
import type { JobInput } from '../domain/job-input.ts';
import type { CodeError } from '../domain/job-result.ts';
import type { CodeFault, ExecuteOutcome } from '../domain/step-outcome.ts';
import { textOfContent } from '../store/content.ts';
import { deathOf, outputFault, timeoutFault } from './limit-faults.ts';
import { programPlan } from './node-plan.ts';
import { OutputKeeper } from './output.ts';
import type { StepContext } from './step-context.ts';
import { supervise } from './supervise.ts';
import type { ProcessEnd } from './supervise.ts';
import { solutionFile, uploadFiles } from './work-folder.ts';

/** Runs the code as a program of its own (`node solution.ts`): there, module syntax means what it says. */
export async function executeProgram(
  sandbox: Sandbox,
  job: JobInput,
  context: StepContext,
): Promise<ExecuteOutcome> {
  const code = await textOfContent(job.code, context.store);
  await uploadFiles(sandbox, job, context, [{ path: solutionFile(job), data: code }]);
  const output = {
    stdout: new OutputKeeper(job.limits.outputChars),
    stderr: new OutputKeeper(job.limits.outputChars),
  };
  try {
    const run = await supervise(sandbox, job, { ...programPlan(job), code }, context, {
      onOutput: (stream, text) => output[stream].push(text),
    });
    const end = run.ends.at(-1) ?? { why: 'exit', code: null };
    const tail = output.stderr.tail;
    const stdout = await output.stdout.end(context.store);
    const stderr = await output.stderr.end(context.store);
    const error = end.why === 'exit' && end.code !== 0 ? raisedBy(end, tail) : undefined;
    return {
      execution: { results: [], stdout, stderr, ...(error && { error }) },
      fault: faultOf(job, end, tail, error),
    };
  } finally {
    output.stdout.discard();
    output.stderr.discard();
  }
}

function faultOf(
  job: JobInput,
  end: ProcessEnd,
  stderr: string,
  error: CodeError | undefined,
): CodeFault | undefined {
  if (end.why === 'timeout') return timeoutFault(job, 'The code');
  if (end.why === 'output') return outputFault('The code');
  if (!error) return undefined;
  const category = faultOfDeath(deathOf(end, job.limits.memoryMb), stderr);
  const evidence =
    error.name === 'ProcessExit' ? oneLine(lastLine(stderr)) || error.value : evidenceOf(error);
  return { category, evidence, sentence: `The code ended with ${how(end)}: ${evidence}` };
}

function raisedBy(end: ProcessEnd, stderr: string): CodeError {
  const match = /^(?:Uncaught )?(\w*Error)(?: \[\w+\])?: (.*)$/m.exec(stderr);
  if (match) return { name: match[1]!, value: match[2]!.slice(0, 4_000), traceback: stderr };
  return { name: 'ProcessExit', value: how(end), traceback: stderr };
}

function how(end: ProcessEnd): string {
  return end.signal ? `signal ${end.signal}` : end.code === null ? 'an unknown end' : `exit code ${end.code}`;
}
