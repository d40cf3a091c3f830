import type { ExecutionError, Result, Sandbox } from '@e2b/code-interpreter';
import { evidenceOf, faultOfDeath, faultOfError, lastLine, oneLine } from '../domain/fault-of-error.ts';
import type { JobInput } from '../domain/job-input.ts';
import type { CodeError } from '../domain/job-result.ts';
import type { CodeFault, ExecuteOutcome } from '../domain/step-outcome.ts';
import { textOfContent } from '../store/content.ts';
import { assertRunning, CodeProcess } from './code-run.ts';
import type { CodeRunEnd } from './code-run.ts';
import { executeProgram } from './execute-program.ts';
import { outputFault, timeoutFault } from './limit-faults.ts';
import { OutputKeeper } from './output.ts';
import { enterWorkFolder } from './preludes.ts';
import { MAX_RESULTS, richResults } from './rich-results.ts';
import { Runner } from './runner.ts';
import type { StepContext } from './step-context.ts';
import { filterText } from './text-filter.ts';
import { uploadFiles } from './work-folder.ts';

/**
 * Runs the job's code once in a fresh process of the sandbox. What the code does wrong is a fault in the outcome; what the world
 * does is thrown. Where the job's tests are of kind `node`, the code is a module, and runs as a program.
 */
export async function execute(
  sandbox: Sandbox,
  job: JobInput,
  context: StepContext,
): Promise<ExecuteOutcome> {
  if (job.tests?.kind === 'node') return executeProgram(sandbox, job, context);
  context.signal.throwIfAborted();
  const [code, process] = await Promise.all([
    textOfContent(job.code, context.store),
    CodeProcess.start(sandbox, job.language),
    uploadFiles(sandbox, job, context),
  ]);
  const stdout = new OutputKeeper(job.limits.outputChars);
  const stderr = new OutputKeeper(job.limits.outputChars);
  const stop = new AbortController();
  const results: Result[] = [];
  const keep = (keeper: OutputKeeper) => (message: { line: string }) => {
    keeper.push(message.line);
    if (keeper.overflowed) stop.abort();
  };
  try {
    await enterWorkFolder(sandbox, process, job, context);
    const end = await process.run(code, {
      timeoutMs: job.limits.timeoutMs,
      signal: context.signal,
      stop: stop.signal,
      onStdout: keep(stdout),
      onStderr: keep(stderr),
      onResult: (result) => void (results.length < MAX_RESULTS && results.push(result)),
    });
    await process.close();
    if (job.tests) Runner.ahead(sandbox);
    const error = end.why === 'ended' ? end.execution.error : undefined;
    if (error && /^(KernelDied|ExecutionFailed)$/.test(error.name)) await assertRunning(sandbox);
    const lastWords = stderr.tail;
    const raised = error && codeErrorOf(error, job);
    return {
      execution: {
        results: await richResults(results, context.store),
        stdout: await stdout.end(context.store),
        stderr: await stderr.end(context.store),
        ...(raised && { error: raised }),
      },
      fault: faultOf(end, raised, job, lastWords),
    };
  } finally {
    stdout.discard();
    stderr.discard();
    await process.close();
  }
}

function faultOf(
  end: CodeRunEnd,
  error: CodeError | undefined,
  job: JobInput,
  stderr: string,
): CodeFault | undefined {
  if (end.why === 'timeout') return timeoutFault(job, 'The code');
  if (end.why === 'stopped') return outputFault('The code');
  if (!error) return undefined;
  if (error.name !== 'KernelDied') {
    const evidence = evidenceOf(error);
    return {
      category: faultOfError(error, job.limits.internet),
      evidence,
      sentence: `The code raised ${evidence}`,
    };
  }
  const code = /exit code (\d+)/.exec(error.value)?.[1];
  // Where it was killed for its memory, the sandbox says so; a signal alone is one that the code has sent itself.
  const category = faultOfDeath({ code: code ? Number(code) : null }, `${stderr}\n${error.value}`);
  return {
    category,
    evidence: oneLine(lastLine(stderr)) || oneLine(error.value),
    sentence: `The code ended its own process: ${oneLine(error.value)}`,
  };
}

/** What the code raised; nothing where it left by itself with success. */
function codeErrorOf(error: ExecutionError, job: JobInput): CodeError | undefined {
  if (/^(SystemExit|Exit)$/.test(error.name) && /^(0|None|)$/.test(error.value.trim())) return undefined;
  // `process.exit(0)` and `exit 0` are how programs of these languages end; a Python one that skips its own end is not.
  if (error.name === 'KernelDied' && job.language !== 'python' && /exit code 0\b/.test(error.value))
    return undefined;
  return {
    name: error.name.slice(0, 200),
    value: filterText(error.value).slice(0, 4_000),
    traceback: filterText(error.traceback).slice(-16_000),
  };
}
