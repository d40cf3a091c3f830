import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { UsageError } from './cli-error.ts';
import { size } from './units.ts';

const MIB = 1024 * 1024;
/** Largest code, test file or job, in bytes: these are read into memory. */
const MAX_TEXT_BYTES = 64 * MIB;
/** Largest input file of a job, in bytes; the client has the same limit. */
const MAX_FILE_BYTES = 512 * MIB;

/**
 * The text of a file, or of stdin where `path` is `-`. Refused by its size before it is read; bytes that are no UTF-8 are refused too, and so are NUL
 * bytes unless the reader has something to say on them.
 */
export async function readText(path: string, what: string, { nul: allowNul = false } = {}): Promise<string> {
  const name = path === '-' ? 'stdin' : path;
  const bytes = await readBytes(path, name, what);
  const nul = allowNul ? -1 : bytes.indexOf(0);
  if (nul !== -1)
    throw new UsageError(`${name} is a binary file (NUL byte at offset ${nul}); ${what} must be UTF-8 text`);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new UsageError(`${name} is not valid UTF-8; ${what} must be UTF-8 text`, { cause: error });
  }
}

/** Throws UsageError for an input file that does not exist, is no file, is too large, or may not be read. */
export async function refuseUnreadable(path: string, what: string): Promise<void> {
  await withFile(path, path, what, async (file) => {
    const stat = await file.stat();
    if (!stat.isFile()) throw new UsageError(`${what}: ${path} is no regular file`);
    if (stat.size > MAX_FILE_BYTES) throw tooLarge(path, what, stat.size, MAX_FILE_BYTES);
  });
}

async function readBytes(path: string, name: string, what: string): Promise<Buffer> {
  if (path !== '-')
    return withFile(path, name, what, async (file) => {
      const stat = await file.stat();
      if (stat.isDirectory()) throw new UsageError(`${name} is a directory; ${what} must be a file`);
      if (stat.size > MAX_TEXT_BYTES) throw tooLarge(name, what, stat.size, MAX_TEXT_BYTES);
      return collect(file.createReadStream({ autoClose: false }), name, what);
    });
  if (process.stdin.isTTY)
    process.stderr.write(`assay: reading ${what} from the terminal; end it with Ctrl-D\n`);
  return collect(process.stdin, name, what);
}

async function withFile<T>(
  path: string,
  name: string,
  what: string,
  use: (file: FileHandle) => Promise<T>,
): Promise<T> {
  try {
    await using file = await open(path, 'r');
    return await use(file);
  } catch (error) {
    throw error instanceof UsageError ? error : unreadable(error, name, what);
  }
}

/** What has no size beforehand, such as a pipe, is cut off at the limit. */
async function collect(stream: AsyncIterable<Buffer>, name: string, what: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += chunk.length;
    if (bytes > MAX_TEXT_BYTES) throw tooLarge(name, what, bytes, MAX_TEXT_BYTES);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function tooLarge(name: string, what: string, bytes: number, maxBytes: number): UsageError {
  return new UsageError(
    `${name} is too large: ${size(bytes)}, and ${what} may have ${size(maxBytes)} at most`,
  );
}

const REASONS: Record<string, string> = {
  ENOENT: 'does not exist',
  EACCES: 'may not be read by you (permission denied)',
  EPERM: 'may not be read by you (permission denied)',
  EISDIR: 'is a directory',
  ENOTDIR: 'lies below something that is no directory',
  ELOOP: 'is a loop of symbolic links',
  ENAMETOOLONG: 'has too long a name',
  ENXIO: 'is no file',
};

function unreadable(error: unknown, name: string, what: string): UsageError {
  const code = (error as NodeJS.ErrnoException).code ?? String(error);
  return new UsageError(`cannot read ${what}: ${name} ${REASONS[code] ?? `cannot be read (${code})`}`, {
    cause: error,
  });
}
