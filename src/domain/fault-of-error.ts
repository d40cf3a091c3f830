import type { CODE_CATEGORIES } from './diagnosis.ts';

/** A category of what code does. */
export type CodeCategory = (typeof CODE_CATEGORIES)[number];

/** An error as a run tells of it: the exception's name, its message, and the traceback where there is one. */
export interface RaisedError {
  name: string;
  value: string;
  traceback?: string | undefined;
}

const NETWORK =
  /\b(gaierror|ENETUNREACH|EAI_AGAIN|ENOTFOUND|ECONNREFUSED|EHOSTUNREACH|ENETDOWN)\b|Name or service not known|Temporary failure in name resolution|Network is unreachable|Could not resolve host|NewConnectionError|getaddrinfo|Max retries exceeded with url/i;
const MEMORY =
  /Cannot allocate memory|memory limit|(heap|ran) out of memory|Array buffer allocation failed|Failed to allocate memory|can't start new thread|std::bad_alloc|memory exhausted|allocation failed - JavaScript|RangeError: Invalid (array buffer|typed array) length|ENOMEM/i;
const IMPORT =
  /Cannot find (module|package)|ERR_MODULE_NOT_FOUND|ERR_PACKAGE_PATH_NOT_EXPORTED|does not provide an export named|Named export '.+' not found/;

/** Texts that the code itself has had read, of which a syntax error tells: the code was read before. */
const READ_BY_CODE =
  /\(<(?:string|unknown)>, line \d+\)|\bJSON\b|to a BigInt|^\s+at (?:JSON\.parse|(?:new )?(?:RegExp|Function)|eval|BigInt)\b/m;

/**
 * Which category an error of the code belongs to, by its name and message.
 * `internet` tells whether the job may reach the network: where it may, a failing connection is an ordinary exception.
 */
export function faultOfError(error: RaisedError, internet = false): CodeCategory {
  const { name } = error;
  const text = `${name}: ${error.value}`;
  if (name.endsWith('MemoryError') || MEMORY.test(text)) return 'memory';
  if (/^(ModuleNotFoundError|ImportError)$/.test(name) || IMPORT.test(text)) return 'import';
  if (/^(SyntaxError|IndentationError|TabError)$/.test(name))
    return READ_BY_CODE.test(`${text}\n${error.traceback ?? ''}`) ? 'exception' : 'syntax';
  if (/^(AssertionError|ERR_ASSERTION|AssertionFailed|Failed)$/.test(name)) return 'assertion';
  if (!internet && (NETWORK.test(text) || NETWORK.test(lastLine(error.traceback ?? '')))) return 'network';
  return 'exception';
}

/** How a process died. */
export interface ProcessDeath {
  code?: number | null;
  signal?: number | null;
  /** Whether it had grown so large that SIGKILL came of the memory limit; taken for granted where it is not known. */
  nearMemoryLimit?: boolean | undefined;
}

/** The category of a process's death: by its signal or exit code and what it printed last. */
export function faultOfDeath(end: ProcessDeath, stderr: string): CodeCategory {
  const killed = end.signal === 9 || end.code === 137;
  if ((killed && end.nearMemoryLimit !== false) || MEMORY.test(stderr)) return 'memory';
  const python = /^(\w[\w.]*(?:Error|Exception|Interrupt|Exit))(?:: ?(.*))?$/m.exec(lastLine(stderr));
  if (python) return faultOfError({ name: lastPart(python[1]!), value: python[2] ?? '' });
  const node = /^(?:Uncaught )?(\w*Error)(?: \[(\w+)\])?: (.*)$/m.exec(stderr);
  if (node)
    return faultOfError({
      name: node[2] === 'ERR_ASSERTION' ? node[2] : node[1]!,
      value: `${node[2] ?? ''} ${node[3]}`,
    });
  return NETWORK.test(stderr) ? 'network' : 'exception';
}

/** One line that shows an error, such as `ValueError: no such thing`. */
export function evidenceOf(error: RaisedError): string {
  const value = error.value.split('\n').find((line) => line.trim() !== '') ?? '';
  return oneLine(value ? (value.startsWith(error.name) ? value : `${error.name}: ${value}`) : error.name);
}

/** The first line of a text that says something, at most 300 characters. */
export function oneLine(text: string): string {
  const line =
    text
      .split('\n')
      .find((candidate) => candidate.trim() !== '')
      ?.trim() ?? '';
  return line.length > 300 ? `${line.slice(0, 299)}…` : line;
}

export function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1)?.trim() ?? '';
}

function lastPart(name: string): string {
  return name.split('.').at(-1)!;
}
