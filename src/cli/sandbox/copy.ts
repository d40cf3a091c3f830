import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, posix, resolve, sep } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Command } from 'commander';
import { FileType, Sandbox } from '@e2b/code-interpreter';
import { UsageError } from '../cli-error.ts';
import { count, size } from '../units.ts';
import { addSandboxOptions, sandboxConnection, type SandboxConnectionOptions } from './connection.ts';

const MAX_DEPTH = 100;

/** A file to copy, and where. */
interface Copy {
  from: string;
  to: string;
}

/** `assay sandbox cp`: files and folders, into a sandbox or out of it. */
export function copyCommand(): Command {
  const command = new Command('cp')
    .summary('copy files and folders into a sandbox or out of it')
    .description('Copies files and folders; one side is a path here, the other `ID:path` in a sandbox.')
    .argument('<from>', 'a path, or ID:path')
    .argument('<to>', 'a path, or ID:path')
    .addHelpText(
      'after',
      '\nExamples:\n  assay sandbox cp data.csv ID:/tmp/\n  assay sandbox cp ID:out ./results',
    );
  return addSandboxOptions(command).action(copy);
}

async function copy(from: string, to: string, options: SandboxConnectionOptions): Promise<void> {
  const source = remote(from);
  const target = remote(to);
  if (Boolean(source) === Boolean(target))
    throw new UsageError('one of the two has to be ID:path, and one a path here');
  const connection = sandboxConnection(options);
  const bytes = target
    ? await upload(await Sandbox.connect(target.id, connection), from, target.path)
    : await download(await Sandbox.connect(source?.id ?? '', connection), source?.path ?? '', to);
  const total = bytes.reduce((sum, each) => sum + each, 0);
  process.stderr.write(`${count(bytes.length, 'file')}, ${size(total)}\n`);
}

/** `ID:path`; ids are of letters and digits, so that `C:\\data` and `./a:b` are paths. */
function remote(text: string): { id: string; path: string } | undefined {
  const [, id, path] = /^([a-z0-9]{10,40}):(.*)$/s.exec(text) ?? [];
  return id === undefined ? undefined : { id, path: path || '.' };
}

async function upload(sandbox: Sandbox, from: string, to: string): Promise<number[]> {
  const isFolder = (await stat(from)).isDirectory();
  const intoFolder = to.endsWith('/') || (await isFolderInside(sandbox, to));
  const target = intoFolder ? posix.join(to, basename(resolve(from))) : to;
  const copies = isFolder ? await filesBelow(from, target) : [{ from, to: target }];
  const bytes: number[] = [];
  for (const each of copies) {
    await sandbox.files.write(each.to, Readable.toWeb(createReadStream(each.from)) as ReadableStream, {
      requestTimeoutMs: 0,
    });
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

async function download(sandbox: Sandbox, from: string, to: string): Promise<number[]> {
  const into = to.endsWith('/') || (await isFolderHere(to));
  const info = await sandbox.files.getInfo(from);
  const target = into ? join(to, info.name) : to;
  const copies =
    info.type === FileType.DIR ? await filesInside(sandbox, info.path, target) : [{ from, to: target }];
  const bytes: number[] = [];
  for (const each of copies) {
    await mkdir(dirname(each.to), { recursive: true });
    const body = await sandbox.files.read(each.from, { format: 'stream', requestTimeoutMs: 0 });
    await pipeline(Readable.fromWeb(body as never), createWriteStream(each.to));
    bytes.push((await stat(each.to)).size);
  }
  return bytes;
}

/** What a sandbox says is untrusted: no name may lead out of the target. */
async function filesInside(sandbox: Sandbox, folder: string, target: string): Promise<Copy[]> {
  const entries = await sandbox.files.list(folder, { depth: MAX_DEPTH });
  const root = resolve(target);
  return entries
    .filter((entry) => entry.type === FileType.FILE && entry.symlinkTarget === undefined)
    .map(({ path }) => ({ from: path, to: resolve(root, posix.relative(folder, path)) }))
    .filter(({ to }) => to.startsWith(root + sep));
}

async function isFolderInside(sandbox: Sandbox, path: string): Promise<boolean> {
  return (await sandbox.files.exists(path)) && (await sandbox.files.getInfo(path)).type === FileType.DIR;
}

async function isFolderHere(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
