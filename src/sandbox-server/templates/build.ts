import { posix } from 'node:path';

import type { Image, ImageStart, ImageStore } from '../images/image-store.ts';
import { startImage } from '../images/start-image.ts';
import { runProcess } from '../link/run-process.ts';
import type { Sandbox, SandboxRequest } from '../sandbox.ts';
import type { Sandboxes } from '../sandboxes.ts';
import { foldersOf, type BuildSpec, type BuildStep } from './build-spec.ts';
import { layerIds, stepsDone } from './layers.ts';
import { LineLogger } from './line-logger.ts';

const BUILD_TIMEOUT_MS = 60 * 60 * 1000;
const HOME = '/home/user';

/** A step failed: which one, counted from 1, `base` for what it starts from, or `finalize` for the start command. */
export class BuildFailedError extends Error {
  override readonly name = 'BuildFailedError';
  readonly code = 'build-failed';
  readonly step: string;

  constructor(step: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.step = step;
  }
}

/** What a build needs of the server. */
export interface BuildDeps {
  sandboxes: Sandboxes;
  /** Where the files of a COPY were put. */
  uploadOf: (filesHash: string) => string;
  internet: boolean;
  images: ImageStore;
  /** Keeps what the steps so far have made, for builds that begin with the same. */
  keepLayer: (sandbox: Sandbox, id: string) => Promise<void>;
  log: (level: 'info' | 'warn' | 'error', message: string, step?: string) => void;
}

/** What the steps so far have set. */
interface BuildState {
  envs: Record<string, string>;
  cwd: string;
  user: string;
}

/** Puts uploaded files where a COPY wants them: `$1` source pattern, `$2` target, `$3` mode; the archive comes on stdin. */
const COPY_SCRIPT = `set -e
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tar --extract --no-same-owner --directory="$work" --file=- 2>/dev/null || { echo 'the uploaded files are no archive' >&2; exit 1; }
[ -z "$3" ] || chmod -R "$3" "$work"/*
shopt -s dotglob nullglob
pattern=$1 target=$2
case $pattern in
  *[*?[]*)
    base=$pattern
    while case $base in *[*?[]*) true ;; *) false ;; esac; do base=$(dirname -- "$base"); done
    cd "$work/$base"; mkdir -p "$target"; cp -a -- * "$target/" ;;
  *)
    if [ -d "$work/$pattern" ] && [ ! -L "$work/$pattern" ]; then
      mkdir -p "$target"; cp -a -- "$work/$pattern/." "$target/"
    elif [ -e "$work/$pattern" ] || [ -L "$work/$pattern" ]; then
      case $target in */) mkdir -p "$target" ;; *) mkdir -p "$(dirname -- "$target")" ;; esac
      cp -a -- "$work/$pattern" "$target"
    else
      echo "there is no $pattern among the uploaded files" >&2; exit 1
    fi ;;
esac
`;

/** Builds an image in a sandbox of its own, which is killed at the end. @throws BuildFailedError · ApiError */
export async function build(
  spec: BuildSpec,
  image: Pick<Image, 'id' | 'names' | 'templateId'>,
  deps: BuildDeps,
): Promise<void> {
  const { sandboxes, log } = deps;
  if (spec.standsInFor !== undefined && !spec.standsInFor.startsWith('e2bdev/')) {
    log(
      'warn',
      `container images are not pulled here: the default template stands in for ${spec.standsInFor}`,
    );
  }
  if (spec.isPrivate) {
    throw new BuildFailedError(
      'base',
      'this server pulls no container images, so none of a private registry: use fromTemplate',
    );
  }
  const request: SandboxRequest = {
    templateId: spec.from ?? 'default',
    metadata: { 'assay.build': image.id },
    envs: {},
    timeoutMs: BUILD_TIMEOUT_MS,
    internet: deps.internet,
    lifecycle: { onTimeout: 'kill', keepMemory: true, autoResume: false },
    network: {},
    secure: true,
    volumeMounts: [],
  };
  const ids = layerIds(spec, deps.images);
  const { sandbox, done } = await begin(request, spec, ids, deps);
  try {
    const state: BuildState = { envs: {}, cwd: HOME, user: 'user' };
    for (const [index, step] of spec.steps.entries()) {
      const name = String(index + 1);
      const isDone = index < done;
      log('info', `[${name}/${spec.steps.length}] ${isDone ? 'CACHED ' : ''}${describe(step)}`, name);
      await perform(step, state, isDone ? undefined : sandbox, name, deps);
      const changesFiles = step.type === 'run' || step.type === 'copy';
      if (!isDone && changesFiles) await deps.keepLayer(sandbox, ids[index] as string);
    }
    const start = startOf(spec, state);
    // What the command writes it writes anew in each sandbox: the image is the state before it.
    const made = {
      ...image,
      kind: 'template',
      envs: state.envs,
      cwd: state.cwd,
      ...(start && { start }),
    } as const;
    await sandboxes.capture(sandbox, made, async () => {
      if (start) await proveStart(sandbox, start, deps);
    });
  } finally {
    await sandboxes.kill(sandbox.id, 'killed');
  }
}

/** A sandbox with what the first steps make, where an earlier build has left that, and how many these are. @throws BuildFailedError */
async function begin(
  request: SandboxRequest,
  spec: BuildSpec,
  ids: string[],
  { sandboxes, images }: BuildDeps,
): Promise<{ sandbox: Sandbox; done: number }> {
  const folders = foldersOf(spec.steps);
  const done = stepsDone(spec, ids, images);
  const layer = ids[done - 1];
  if (layer !== undefined) {
    // Another build may just have taken its room.
    const resumed = await sandboxes.create({ ...request, templateId: layer }, folders).catch(() => undefined);
    if (resumed) return { sandbox: resumed, done };
  }
  const sandbox = await sandboxes.create(request, folders).catch((cause: unknown) => {
    throw new BuildFailedError('base', (cause as Error).message, { cause });
  });
  return { sandbox, done: 0 };
}

function startOf(spec: BuildSpec, state: BuildState): ImageStart | undefined {
  const { startCommand, readyCommand } = spec;
  if (startCommand === undefined && readyCommand === undefined) return undefined;
  return {
    user: state.user,
    cwd: state.cwd,
    envs: state.envs,
    ...(startCommand !== undefined && { command: startCommand }),
    ...(readyCommand !== undefined && { readyCommand }),
  };
}

async function proveStart(sandbox: Sandbox, start: ImageStart, { log }: BuildDeps): Promise<void> {
  log(
    'info',
    `[finalize] ${start.command ?? ''}, ready when: ${start.readyCommand ?? 'at once'}`,
    'finalize',
  );
  try {
    await startImage(sandbox.link, start, AbortSignal.timeout(BUILD_TIMEOUT_MS));
  } catch (cause) {
    throw new BuildFailedError('finalize', (cause as Error).message, { cause });
  }
}

/** Does a step, or where it has been done already takes over what it sets for those that follow. */
async function perform(
  step: BuildStep,
  state: BuildState,
  sandbox: Sandbox | undefined,
  name: string,
  deps: BuildDeps,
): Promise<void> {
  if (step.type === 'env') Object.assign(state.envs, step.envs);
  else if (step.type === 'user') state.user = knownUser(step.name, name);
  else if (step.type === 'workdir') {
    const path = posix.resolve(state.cwd, step.path);
    if (sandbox) await run(sandbox, ['mkdir', '-p', path], { ...state, cwd: HOME }, name, deps);
    state.cwd = path;
  } else if (sandbox === undefined) return;
  else if (step.type === 'run') {
    const user = userNamed(step.user ?? state.user);
    if (user === undefined) {
      const why = `command failed: unauthenticated: invalid username: '${step.user}'`;
      throw new BuildFailedError(name, `failed to run command '${step.command}': ${why}`);
    }
    await run(sandbox, ['/bin/bash', '-l', '-c', step.command], { ...state, user }, name, deps);
  } else {
    const target = posix.resolve(state.cwd, step.target) + (step.target.endsWith('/') ? '/' : '');
    const command = ['/bin/bash', '-c', COPY_SCRIPT, 'copy', posix.normalize(step.source), target, step.mode];
    await run(sandbox, command, state, name, deps, deps.uploadOf(step.filesHash));
  }
}

/** The user of a name or number, a group after it left aside. */
function userNamed(name: string): 'user' | 'root' | undefined {
  const [user] = name.split(':', 1);
  if (user === 'user' || user === '1000') return 'user';
  return user === 'root' || user === '0' ? 'root' : undefined;
}

function knownUser(user: string, step: string): string {
  const known = userNamed(user);
  if (known !== undefined) return known;
  throw new BuildFailedError(
    step,
    `there is no user '${user}' in a sandbox of this server; use 'user' or 'root'`,
  );
}

/** Runs a command in the build's sandbox and logs what it prints. @throws BuildFailedError */
async function run(
  sandbox: Sandbox,
  [cmd = '', ...args]: string[],
  { envs, cwd, user }: BuildState,
  step: string,
  { log }: BuildDeps,
  input?: string,
): Promise<void> {
  const out = new LineLogger((line) => log('info', `[${step}] ${line}`, step));
  const errors = new LineLogger((line) => log('warn', `[${step}] ${line}`, step));
  const failed = (why: string, options?: ErrorOptions): BuildFailedError =>
    new BuildFailedError(step, why, options);
  const end = await runProcess(
    sandbox.link,
    { cmd, args, envs, cwd, user },
    {
      ...(input !== undefined && { input }),
      onStdout: (bytes) => out.push(bytes),
      onStderr: (bytes) => errors.push(bytes),
    },
  ).catch((cause: unknown) => Promise.reject(failed((cause as Error).message, { cause })));
  out.end();
  errors.end();
  if (end.exitCode !== 0) {
    const what = input === undefined ? `run command '${args.at(-1) ?? cmd}'` : 'COPY';
    throw failed(`failed to ${what}: ${String(end.error)}${errors.last === '' ? '' : `: ${errors.last}`}`);
  }
  if (end.unsent) throw failed(end.unsent.message, { cause: end.unsent });
}

function describe(step: BuildStep): string {
  if (step.type === 'copy') return `COPY ${step.source} ${step.target}`;
  if (step.type === 'run') return `RUN ${step.command}`;
  if (step.type === 'env') return `ENV ${Object.keys(step.envs).join(' ')}`;
  return step.type === 'workdir' ? `WORKDIR ${step.path}` : `USER ${step.name}`;
}
