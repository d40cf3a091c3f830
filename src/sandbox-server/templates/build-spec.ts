import { rootFolderOf } from '../root-folders.ts';
import type { JsonFields } from '../wire/json-fields.ts';
import { ApiError } from '../wire/api-error.ts';

/** One step of a build. */
export type BuildStep = BuildAction & {
  /** Whether it is to be done again, and all that follow, though nothing has changed. */
  isForced: boolean;
};

type BuildAction =
  | { type: 'copy'; source: string; target: string; mode: string; filesHash: string }
  | { type: 'run'; command: string; user: string | undefined }
  | { type: 'env'; envs: Record<string, string> }
  | { type: 'workdir'; path: string }
  | { type: 'user'; name: string };

/** What a build is to do. */
export interface BuildSpec {
  /** The template or image that it starts from; undefined for the server's default one. */
  from: string | undefined;
  /** A container image that was asked for, which the default template stands in for. */
  standsInFor: string | undefined;
  /** Whether that image is one of a private registry, which nothing can stand in for. */
  isPrivate: boolean;
  steps: BuildStep[];
  startCommand: string | undefined;
  readyCommand: string | undefined;
}

const MAX_STEPS = 500;

/** Reads the body of a build's start. @throws ApiError 400 · ConnectFault `invalid_argument` */
export function readBuildSpec(fields: JsonFields): BuildSpec {
  const steps = fields.objects('steps');
  if (steps.length > MAX_STEPS) throw new ApiError(400, `a build has at most ${MAX_STEPS} steps`);
  const isForced = fields.optionalBoolean('force') ?? false;
  return {
    from: fields.optionalString('fromTemplate') || undefined,
    standsInFor: fields.optionalString('fromImage') || undefined,
    isPrivate: fields.object('fromImageRegistry') !== undefined,
    steps: steps.map((step, index) => ({
      ...readAction(step, index),
      isForced: isForced || (step.optionalBoolean('force') ?? false),
    })),
    startCommand: startOf(fields.optionalString('startCmd')),
    readyCommand: fields.optionalString('readyCmd') || undefined,
  };
}

function readAction(fields: JsonFields, index: number): BuildAction {
  const type = fields.string('type').toUpperCase();
  const args = fields.strings('args');
  const [first = '', second = '', , fourth = ''] = args;
  const need = (what: string, value: string): string => {
    if (value === '' || value.includes('\0'))
      throw new ApiError(400, `step ${index + 1} (${type}) has no ${what}`);
    return value;
  };
  if (type === 'RUN') return { type: 'run', command: need('command', first), user: second || undefined };
  if (type === 'WORKDIR') return { type: 'workdir', path: need('folder', first) };
  if (type === 'USER') return { type: 'user', name: need('user', first) };
  if (type === 'ENV' || type === 'ARG') return { type: 'env', envs: pairs(args) };
  if (type === 'COPY' || type === 'ADD') {
    const filesHash = need('files', fields.optionalString('filesHash') ?? '');
    if (!/^[a-z0-9]{16,128}$/i.test(filesHash)) throw new ApiError(400, `'${filesHash}' is no hash of files`);
    if (!/^[0-7]{0,4}$/.test(fourth)) throw new ApiError(400, `'${fourth}' is no mode of files`);
    return {
      type: 'copy',
      source: need('source', first),
      target: need('target', second),
      mode: fourth,
      filesHash,
    };
  }
  throw new ApiError(400, `step ${index + 1} is of an unknown type: ${type}`);
}

function pairs(args: string[]): Record<string, string> {
  const envs: Record<string, string> = {};
  for (let i = 0; i + 1 < args.length; i += 2) envs[args[i] as string] = args[i + 1] as string;
  return envs;
}

/** E2B's templates of its code interpreter start that by a script of theirs; here it runs in any case. */
function startOf(command: string | undefined): string | undefined {
  return /^(sudo )?\/root\/\.jupyter\/start-up\.sh$/.test(command?.trim() ?? '')
    ? undefined
    : command || undefined;
}

/**
 * The folders beside the home one that the steps name, such as `/app`: a sandbox cannot make them for itself.
 * Only those right under `/` can be had.
 */
export function foldersOf(steps: BuildStep[]): string[] {
  const paths = steps.flatMap((step) => {
    if (step.type === 'workdir') return [step.path];
    if (step.type === 'run' && /^mkdir -p\s/.test(step.command)) {
      return step.command.split(/\s+/).filter((word) => word.startsWith('/'));
    }
    return step.type === 'copy' ? [step.target] : [];
  });
  return [...new Set(paths.map(rootFolderOf).filter((folder) => folder !== undefined))];
}
