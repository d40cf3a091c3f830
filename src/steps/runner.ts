import { createHash, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Sandbox } from '@e2b/code-interpreter';
import { CodeProcess } from './code-run.ts';
import type { CodeRunEnd, CodeRunOptions } from './code-run.ts';
import { foreignFunctionInterface } from './foreign-functions.ts';
import type { StepContext } from './step-context.ts';
import { WORK_FOLDER } from './work-folder.ts';

const PARTS = [
  'parent.py',
  'news.py',
  'plain_child.py',
  'signals.py',
  'guard.py',
  'kinds.py',
  'footing.py',
  'decoys.py',
  'doubt.py',
  'looks.py',
  'look.py',
  'shadows.py',
  'own_names.py',
  'tests_text.py',
  'pytest_session.py',
  'pytest_child.py',
  'python_child.py',
  'command_child.py',
  'node_zygote.py',
  'clean.py',
  'lean.py',
  'main.py',
];
/** Of the harness in Node; the first holds the imports. */
export const NODE_PARTS = [
  'node-tests.mjs',
  'node-script.mjs',
  'node-names.mjs',
  'node-guard.mjs',
  'node-contexts.mjs',
  'node-files.mjs',
  'node-said.mjs',
  'node-report.mjs',
  'node-warm.mjs',
];
const WARM_UP_TIMEOUT_MS = 60_000;
const CLEAN_TIMEOUT_MS = 15_000;

/** Processes that no runner has yet: between two steps of a job there is time to start one. */
const started = new WeakMap<Sandbox, Promise<CodeProcess>>();

export interface RunnerOptions {
  /** Whether many runs follow each other, of different items: the sandbox is cleaned between them. Default: false */
  shared?: boolean | undefined;
  /** Whether runs of pytest are to be expected. Default: false */
  pytest?: boolean | undefined;
}

/**
 * The trusted process in a sandbox: it has loaded the runners once, forks for each run, and alone reports. Where it died or hung, it
 * is of no more use, and neither is its sandbox.
 */
export class Runner {
  readonly shared: boolean;
  readonly #sandbox: Sandbox;
  readonly #process: CodeProcess;
  #hasForeignFunctions = false;
  #loaded = false;
  #spoilt: string | undefined;
  /** Whether the last run has cleaned up at its end; what runs beside the runner does not. */
  #cleaned = false;

  private constructor(sandbox: Sandbox, process: CodeProcess, shared: boolean) {
    this.#sandbox = sandbox;
    this.#process = process;
    this.shared = shared;
  }

  /** Starts a process for the next `open` in this sandbox, of which nobody needs to hear where it fails. */
  static ahead(sandbox: Sandbox): void {
    const process = CodeProcess.start(sandbox, 'python');
    process.catch(() => undefined);
    started.set(sandbox, process);
  }

  /** Throws what the world did. */
  static async open(
    sandbox: Sandbox,
    context: StepContext,
    { shared = false, pytest = false }: RunnerOptions = {},
  ): Promise<Runner> {
    context.signal.throwIfAborted();
    const ahead = started.get(sandbox);
    started.delete(sandbox);
    const process = (await ahead?.catch(() => undefined)) ?? (await CodeProcess.start(sandbox, 'python'));
    const runner = new Runner(sandbox, process, shared);
    if (shared) await runner.#warmUp(pytest, context.signal);
    return runner;
  }

  /** Runs a plan; each line that it prints is given to the handlers as it comes, in pieces. */
  async run(plan: object, options: CodeRunOptions, { clean = false } = {}): Promise<CodeRunEnd> {
    this.#cleaned = false;
    const ffi = this.shared && 'mayFork' in plan && plan.mayFork ? await this.#foreignFunctions() : undefined;
    const end = await this.#call('main', { ...plan, ffi, clean: clean && this.shared }, options);
    if (end.why !== 'ended') this.#spoilt ??= 'its runner did not end in time';
    else if (end.execution.error) this.#spoilt ??= 'its runner was killed';
    return end;
  }

  /** Says that the sandbox was cleaned at the end of a run, as the runner tells: empty, or why it is spoilt. */
  noteClean(reason: string): void {
    this.#cleaned = true;
    if (reason !== '') this.#spoilt ??= reason;
  }

  /**
   * Removes all that was left since the last call, by a run or by others in the sandbox. Answers why the sandbox must not be used again, if so.
   * Throws what the world did.
   */
  async clean(signal: AbortSignal): Promise<string | undefined> {
    if (this.#spoilt === undefined && !this.#cleaned) {
      let answer = '';
      const end = await this.#call(
        'clean_now',
        {},
        {
          timeoutMs: CLEAN_TIMEOUT_MS,
          signal,
          onStdout: ({ line }) => void (answer += line),
        },
      );
      const reason = end.why === 'ended' && !end.execution.error ? cleanReason(answer) : undefined;
      this.noteClean(reason ?? 'its runner was killed');
    }
    this.#cleaned = false;
    return this.#spoilt;
  }

  /** Ends it and all that it started. */
  close(): Promise<void> {
    return this.#process.close();
  }

  /** Puts what lets Node call the C library where the runner takes it from, once. */
  async #foreignFunctions(): Promise<string | undefined> {
    if (this.#hasForeignFunctions) return undefined;
    this.#hasForeignFunctions = true;
    const bytes = foreignFunctionInterface();
    if (!bytes) return undefined;
    const path = `/tmp/assay-${randomUUID()}`;
    await this.#sandbox.files.write(path, new Blob([bytes]));
    return path;
  }

  async #warmUp(pytest: boolean, signal: AbortSignal): Promise<void> {
    const end = await this.#call('warm_up', { pytest }, { timeoutMs: WARM_UP_TIMEOUT_MS, signal });
    const error = end.why === 'ended' ? end.execution.error : undefined;
    if (end.why !== 'ended' || error)
      throw new Error(`The runner did not start in the sandbox: ${error?.value ?? end.why}`);
  }

  async #call(name: string, plan: object, options: CodeRunOptions): Promise<CodeRunEnd> {
    const load = this.#loaded ? '' : loading();
    this.#loaded = true;
    const json = pythonText(JSON.stringify({ folder: WORK_FOLDER, ...plan }));
    return await this.#process.run(`${load}_space['${name}'](_json.loads(${json}))`, options);
  }
}

/** What the runner's line says of the cleaning, or nothing where it does not. */
function cleanReason(lines: string): string | undefined {
  const line = lines.split('\n').find((text) => text.startsWith('{"clean"'));
  return line === undefined ? undefined : String((JSON.parse(line) as { clean: unknown }).clean);
}

const sources = new Map<string, string>();

/** The text of a runner. */
export function runnerText(name: string): string {
  let source = sources.get(name);
  if (source === undefined) {
    source = readFileSync(new URL(`./runners/${name}`, import.meta.url), 'utf8');
    sources.set(name, source);
  }
  return source;
}

/** What the file of `preloadProgram` has to be called. */
export const PRELOAD_NAME = 'assay_runners.py';

/**
 * A program for whatever sandboxes are forked from: their runners then need not be loaded anew. It is found again by the hash of the
 * runners, so that another version of Assay does without.
 */
export function preloadProgram(): string {
  const { text, hash } = allRunners();
  return `import json
SPACES = {'${hash}': {'__name__': 'assay', 'CODE': compile(json.loads(${text}), '<assay>', 'exec')}}
exec(SPACES['${hash}']['CODE'], SPACES['${hash}'])
SPACES['${hash}']['preload']('${WORK_FOLDER}')
`;
}

/** Python that defines the runners in a namespace of their own, where they are not there yet. */
function loading(): string {
  const { text, hash } = allRunners();
  return `import json as _json, sys as _sys
_space = getattr(_sys.modules.get('${PRELOAD_NAME.replace('.py', '')}'), 'SPACES', {}).get('${hash}')
if _space is None:
    _space = {'__name__': 'assay', 'CODE': compile(_json.loads(${text}), '<assay>', 'exec')}
    exec(_space['CODE'], _space)
`;
}

let textsHash: string | undefined;

/** Changes with the text of any runner. */
export function runnersHash(): string {
  textsHash ??= sha256(
    [...PARTS, ...NODE_PARTS, 'node-zygote.mjs', 'script-tests.sh'].map(runnerText).join('\n'),
  );
  return textsHash;
}

let runners: { text: string; hash: string } | undefined;

function allRunners(): { text: string; hash: string } {
  if (!runners) {
    const zygote = pythonText(JSON.stringify(runnerText('node-zygote.mjs')));
    const source = [...PARTS.map(runnerText), `NODE_ZYGOTE = json.loads(${zygote})`].join('\n');
    runners = { text: pythonText(JSON.stringify(source)), hash: sha256(source) };
  }
  return runners;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** JSON as a raw Python string: its only trouble is a quote, which JSON can write otherwise. */
function pythonText(json: string): string {
  return `r'''${json.replaceAll("'", '\\u0027').replaceAll('\u2028', '\\u2028')}'''`;
}
