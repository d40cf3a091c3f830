import { open } from 'node:fs/promises';
import { UsageError } from './cli-error.ts';
import { size } from './units.ts';

const MIB = 1024 * 1024;
/** Largest code, test file or job read from a file, in bytes. */
export const MAX_TEXT_BYTES = 64 * MIB;
/** Largest input file of a job, in bytes: it travels to the store in memory. */
export const MAX_FILE_BYTES = 128 * MIB;

/** The bytes of a file, or of stdin where `path` is `-`. Refused by its size before it is read. */
export async function readBytes(path: string, what: string, maxBytes = MAX_FILE_BYTES): Promise<Buffer> {
  const name = path === '-' ? 'stdin' : path;
  if (path === '-' && process.stdin.isTTY)
    process.stderr.write(`assay: reading ${what} from the terminal, end with Ctrl-D\n`);
  try {
    if (path === '-') return await collect(process.stdin, name, what, maxBytes);
    await using file = await open(path, 'r');
    const { size: bytes, ...stat } = await file.stat();
    if ((stat.mode & 0o170000) === 0o040000)
      throw new UsageError(`${name} is a directory; ${what} must be a file`);
    if (bytes > maxBytes) throw tooLarge(name, what, bytes, maxBytes);
    return await collect(file.createReadStream({ autoClose: false }), name, what, maxBytes);
  } catch (error) {
    throw error instanceof UsageError ? error : unreadable(error, name, what);
  }
}

/** The same as text. Bytes that are no UTF-8 text are refused with their position. */
export async function readText(path: string, what: string): Promise<string> {
  const bytes = await readBytes(path, what, MAX_TEXT_BYTES);
  const name = path === '-' ? 'stdin' : path;
  const nul = bytes.indexOf(0);
  if (nul !== -1)
    throw new UsageError(`${name} is a binary file (NUL byte at offset ${nul}); ${what} must be UTF-8 text`);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new UsageError(`${name} is not valid UTF-8; ${what} must be UTF-8 text`, { cause: error });
  }
}

async function collect(
  stream: AsyncIterable<Buffer>,
  name: string,
  what: string,
  maxBytes: number,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw tooLarge(name, what, bytes, maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function tooLarge(name: string, what: string, bytes: number, maxBytes: number): UsageError {
  return new UsageError(
    `${name} is too large: ${size(bytes)}, and ${what} may have ${size(maxBytes)}; put it into the store and give its URL instead`,
  );
}

const REASONS: Record<string, string> = {
  ENOENT: 'does not exist',
  EACCES: 'may not be read by you (permission denied)',
  EPERM: 'may not be read by you (permission denied)',
  EISDIR: 'is a directory',
  ENOTDIR: 'lies below something that is not a directory',
  ELOOP: 'is a loop of symbolic links',
  ENAMETOOLONG: 'is too long a name',
  ERR_INVALID_ARG_VALUE: 'is not a path',
};

function unreadable(error: unknown, name: string, what: string): UsageError {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  return new UsageError(
    `cannot read ${what}: ${name} ${REASONS[code] ?? `cannot be read (${code || String(error)})`}`,
    {
      cause: error,
    },
  );
}
