import type { Sandbox } from '@e2b/code-interpreter';
import type { JobInput } from '../domain/job-input.ts';
import { TroubleError } from '../domain/trouble-error.ts';
import { assertRunning } from './code-run.ts';
import { WHOLE_OUTPUT_CHARS } from './output.ts';
import { Runner } from './runner.ts';
import type { StepContext } from './step-context.ts';
import { solutionFile } from './work-folder.ts';

/** How a supervised process ended, as its parent in the sandbox tells. */
export interface ProcessEnd {
  /** By itself, at its time limit, for printing too much, or never started because the tests do not parse. */
  why: 'exit' | 'timeout' | 'output' | 'tests-syntax';
  code?: number | null;
  signal?: number | null;
  /** Processes that it left behind, such as `sleep (process 12)`; they have been ended. */
  survivors?: string[];
  ms?: number;
  /** MiB by which the largest of its processes was at times larger than what it was forked from. */
  grownMb?: number;
}

/** One thing that the runner next to the code tells: `['start', name]`, `['done', name, outcome, ms, message, kind]`, … */
export type News = [string, ...unknown[]];

/** All that is known of a supervised run. */
export interface SupervisedRun {
  news: News[];
  /** Why the news are not to be trusted. */
  forged?: string | undefined;
  /** Absent where the parent itself did not live to tell. */
  ends: ProcessEnd[];
}

export interface SupervisedPlan {
  mode: 'pytest' | 'script' | 'program' | 'command';
  [field: string]: unknown;
}

export interface SupervisedHandlers {
  /** A piece of what a process printed; `run` counts the processes of the plan from 0. */
  onOutput(stream: 'stdout' | 'stderr', text: string, run: number): void;
}

/** For the parent to start, to end what hangs and to tell; its own limit comes first. */
const GRACE_MS = 15_000;
const RUNNER_FAILED = 70;

/**
 * Runs a plan below a trusted parent process in the sandbox. The parent alone reports, on a channel that the code cannot reach.
 * Throws what the world did; a parent that was killed by the code is a run without an end. Default of `warm`: a parent of its own.
 */
export async function supervise(
  sandbox: Sandbox,
  job: JobInput,
  plan: SupervisedPlan,
  context: StepContext,
  handlers: SupervisedHandlers,
  warm?: Runner,
): Promise<SupervisedRun> {
  const runner = warm ?? (await Runner.open(sandbox, context));
  const complaints: string[] = [];
  const reader = new ReportReader({
    onClean: (reason) => runner.noteClean(reason),
    onOutput(stream, text, at) {
      if (text.startsWith('the runner failed')) complaints.push(text);
      handlers.onOutput(stream, text, at);
    },
  });
  try {
    const clean = job.artifacts.length === 0;
    const end = await runner.run(
      fullPlan(job, plan),
      {
        timeoutMs: job.limits.timeoutMs + GRACE_MS,
        signal: context.signal,
        onStdout: ({ line }) => reader.push(line),
        onStderr: ({ line }) => void complaints.push(line),
      },
      { clean },
    );
    const { run } = reader;
    assertReady(plan, run, complaints);
    if (run.ends.length > 0) return run;
    await assertRunning(sandbox);
    const error = end.why === 'ended' ? end.execution.error : undefined;
    if (end.why === 'timeout') run.ends.push({ why: 'timeout' });
    else if (error && error.name !== 'KernelDied')
      throw new TroubleError({
        type: 'unknown',
        message: `The runner failed in the sandbox: ${error.name}: ${error.value}`,
      });
    return run;
  } finally {
    // Nobody needs to wait: a parent that has told its end has ended all that it started.
    const closed = runner === warm ? undefined : runner.close();
    if (reader.run.ends.length === 0) await closed;
  }
}

/** The runner's own failure before any of the code ran is no fault of the code. */
function assertReady(plan: SupervisedPlan, run: SupervisedRun, complaints: string[]): void {
  const [end] = run.ends;
  if (end?.why !== 'exit' || end.code !== RUNNER_FAILED || !['pytest', 'script'].includes(plan.mode)) return;
  if (run.news.some(([what]) => what === 'ready')) return;
  throw new TroubleError({
    type: 'unknown',
    message: `The runner failed in the sandbox: ${complaints.join('').slice(-500)}`,
  });
}

interface ReportHandlers extends SupervisedHandlers {
  onClean(reason: string): void;
}

/** The parent's lines, put together again from the pieces in which they arrive. */
class ReportReader {
  readonly run: SupervisedRun = { news: [], ends: [] };
  readonly #handlers: ReportHandlers;
  #rest = '';

  constructor(handlers: ReportHandlers) {
    this.#handlers = handlers;
  }

  push(piece: string): void {
    const lines = (this.#rest + piece).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') this.#line(line);
  }

  #line(line: string): void {
    if (!line.startsWith('{')) return; // A kernel's own remark, not the parent's.
    const report = JSON.parse(line) as {
      out?: [1 | 2, string, number | null];
      news?: News;
      forged?: string;
      end?: ProcessEnd;
      clean?: string;
    };
    if (report.out)
      this.#handlers.onOutput(report.out[0] === 1 ? 'stdout' : 'stderr', report.out[1], report.out[2] ?? 0);
    if (report.news) this.run.news.push(report.news);
    if (report.forged) this.run.forged ??= report.forged;
    if (report.end) this.run.ends.push(report.end);
    if (report.clean !== undefined) this.#handlers.onClean(report.clean);
  }
}

function fullPlan(job: JobInput, plan: SupervisedPlan): object {
  return {
    file: solutionFile(job),
    language: job.language,
    timeoutMs: job.limits.timeoutMs,
    memoryMb: job.limits.memoryMb,
    outputBytes: WHOLE_OUTPUT_CHARS,
    ...plan,
  };
}
