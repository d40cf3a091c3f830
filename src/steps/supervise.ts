import { readFileSync } from 'node:fs';
import type { Sandbox } from '@e2b/code-interpreter';
import type { JobInput } from '../domain/job-input.ts';
import { TroubleError } from '../domain/trouble-error.ts';
import { assertRunning, CodeProcess } from './code-run.ts';
import { WHOLE_OUTPUT_CHARS } from './output.ts';
import type { StepContext } from './step-context.ts';
import { solutionFile, WORK_FOLDER } from './work-folder.ts';

/** How a supervised process ended, as its parent in the sandbox tells. */
export interface ProcessEnd {
  /** By itself, at its time limit, for printing too much, or never started because the tests do not parse. */
  why: 'exit' | 'timeout' | 'output' | 'tests-syntax';
  code?: number | null;
  signal?: number | null;
  /** Processes that it left behind, such as `sleep (process 12)`; they have been ended. */
  survivors?: string[];
  ms?: number;
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

const PARTS: Record<SupervisedPlan['mode'], string[]> = {
  pytest: ['parent.py', 'guard.py', 'pytest_child.py', 'main.py'],
  script: ['parent.py', 'guard.py', 'python_child.py', 'main.py'],
  program: ['parent.py', 'python_child.py', 'command_child.py', 'main.py'],
  command: ['parent.py', 'command_child.py', 'main.py'],
};
const sources = new Map<string, string>();
/** For the parent to start, to end what hangs and to tell; its own limit comes first. */
const GRACE_MS = 15_000;
const RUNNER_FAILED = 70;

/**
 * Runs a plan below a trusted parent process in the sandbox. The parent alone reports, on a channel that the code cannot reach.
 * Throws what the world did; a parent that was killed by the code is a run without an end.
 */
export async function supervise(
  sandbox: Sandbox,
  job: JobInput,
  plan: SupervisedPlan,
  context: StepContext,
  handlers: SupervisedHandlers,
): Promise<SupervisedRun> {
  const process = await CodeProcess.start(sandbox, 'python', context);
  const complaints: string[] = [];
  const reader = new ReportReader({
    onOutput(stream, text, at) {
      if (text.startsWith('the runner failed')) complaints.push(text);
      handlers.onOutput(stream, text, at);
    },
  });
  try {
    const end = await process.run(programText(job, plan), {
      timeoutMs: job.limits.timeoutMs + GRACE_MS,
      onStdout: ({ line }) => reader.push(line),
      onStderr: ({ line }) => void complaints.push(line),
    });
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
    const closed = process.close();
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

/** The parent's lines, put together again from the pieces in which they arrive. */
class ReportReader {
  readonly run: SupervisedRun = { news: [], ends: [] };
  readonly #handlers: SupervisedHandlers;
  #rest = '';

  constructor(handlers: SupervisedHandlers) {
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
    };
    if (report.out)
      this.#handlers.onOutput(report.out[0] === 1 ? 'stdout' : 'stderr', report.out[1], report.out[2] ?? 0);
    if (report.news) this.run.news.push(report.news);
    if (report.forged) this.run.forged ??= report.forged;
    if (report.end) this.run.ends.push(report.end);
  }
}

/** The parent's program and its plan as one piece of Python. */
function programText(job: JobInput, plan: SupervisedPlan): string {
  const full = {
    folder: WORK_FOLDER,
    file: solutionFile(job),
    language: job.language,
    timeoutMs: job.limits.timeoutMs,
    memoryMb: job.limits.memoryMb,
    outputBytes: WHOLE_OUTPUT_CHARS,
    ...plan,
  };
  const source = PARTS[plan.mode].map(runner).join('\n');
  const quoted = [source, JSON.stringify(full)].map((text) =>
    JSON.stringify(text).replaceAll('\u2028', '\\u2028'),
  );
  return `import json as _json
_space = {'__name__': 'assay'}
exec(compile(_json.loads(r'''${forRaw(quoted[0]!)}'''), '<assay>', 'exec'), _space)
_space['main'](_json.loads(_json.loads(r'''${forRaw(quoted[1]!)}''')))`;
}

/** Fits JSON into a raw Python string: its only trouble is a quote, which JSON can write otherwise. */
function forRaw(json: string): string {
  return json.replaceAll("'", '\\u0027');
}

function runner(name: string): string {
  let source = sources.get(name);
  if (source === undefined) {
    source = readFileSync(new URL(`./runners/${name}`, import.meta.url), 'utf8');
    sources.set(name, source);
  }
  return source;
}

/** The text of a runner that a process other than Python runs. */
export const runnerText = runner;
