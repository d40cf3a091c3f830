import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, posix, resolve, sep } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { UsageError } from '../cli-error.ts';
import { printableLine } from '../printable.ts';
import { count, size } from '../units.ts';

export const MAX_DEPTH = 100;

/** Files of a sandbox or a volume, as far as copying needs them. */
export interface RemoteFiles {
  find(path: string): Promise<{ path: string; isFolder: boolean } | undefined>;
  /** Paths of all regular files in a folder, however deep. */
  list(folder: string): Promise<string[]>;
  read(path: string): Promise<ReadableStream<Uint8Array>>;
  /** Parents are made. */
  write(path: string, body: ReadableStream<Uint8Array>): Promise<void>;
}

/** A file to copy, and where. */
interface Copy {
  from: string;
  to: string;
}

/**
 * Copies files and folders. One side is a path here, the other what `remote` matches: who has the files, and a path there.
 * @throws UsageError where it is none or both
 */
export async function copyFiles(
  from: string,
  to: string,
  form: string,
  remote: RegExp,
  open: (owner: string) => Promise<RemoteFiles>,
): Promise<void> {
  const [source, target] = [remote.exec(from), remote.exec(to)];
  if (Boolean(source) === Boolean(target))
    throw new UsageError(`one of the two has to be ${form}, and one a path here`);
  const [, owner = '', path] = source ?? target ?? [];
  const files = await open(owner);
  const bytes = target ? await upload(files, from, path || '.') : await download(files, path || '.', to);
  const total = bytes.reduce((sum, each) => sum + each, 0);
  process.stderr.write(`${count(bytes.length, 'file')}, ${size(total)}\n`);
}

async function upload(files: RemoteFiles, from: string, to: string): Promise<number[]> {
  const isFolder = (await stat(from)).isDirectory();
  const intoFolder = to.endsWith('/') || ((await files.find(to))?.isFolder ?? false);
  const target = intoFolder ? posix.join(to, basename(resolve(from))) : to;
  const copies = isFolder ? await filesBelow(from, target) : [{ from, to: target }];
  const bytes: number[] = [];
  for (const each of copies) {
    await files.write(each.to, Readable.toWeb(createReadStream(each.from)) as ReadableStream<Uint8Array>);
    bytes.push((await stat(each.from)).size);
  }
  return bytes;
}

async function filesBelow(folder: string, target: string): Promise<Copy[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((from) => ({ from, to: posix.join(target, from.slice(folder.length).split(sep).join('/')) }));
}

async function download(files: RemoteFiles, from: string, to: string): Promise<number[]> {
  const into = to.endsWith('/') || (await isFolderHere(to));
  const found = await files.find(from);
  if (!found) throw new UsageError(`there is no ${printableLine(from)}`);
  const target = into ? join(to, basename(found.path)) : to;
  const copies = found.isFolder
    ? await filesInside(files, found.path, target)
    : [{ from: found.path, to: target }];
  const bytes: number[] = [];
  for (const each of copies) {
    await mkdir(dirname(each.to), { recursive: true });
    const body = await files.read(each.from);
    await pipeline(Readable.fromWeb(body as never), createWriteStream(each.to));
    bytes.push((await stat(each.to)).size);
  }
  return bytes;
}

/** What a sandbox says is untrusted: no name may lead out of the target. */
async function filesInside(files: RemoteFiles, folder: string, target: string): Promise<Copy[]> {
  const root = resolve(target);
  return (await files.list(folder))
    .map((path) => ({ from: path, to: resolve(root, posix.relative(folder, path)) }))
    .filter(({ to }) => to.startsWith(root + sep));
}

async function isFolderHere(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
