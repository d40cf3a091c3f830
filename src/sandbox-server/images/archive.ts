import { createReadStream, createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { once } from 'node:events';

import { Channel } from '../link/guest-frames.ts';
import type { GuestLink } from '../link/guest-link.ts';
import type { GuestStream } from '../link/guest-stream.ts';

const TAR = '/usr/bin/tar';
/** With the metadata that files carry as extended attributes. */
const ATTRIBUTES = ['--xattrs', '--xattrs-include=user.*'];
const PACK = ['--create', '--file=-', '--sparse', '--ignore-failed-read', ...ATTRIBUTES];
const UNPACK = ['--extract', '--file=-', '--no-same-owner', '--preserve-permissions', '--no-overwrite-dir'];
/** The folders of a sandbox that can be written to and that outlive its processes. */
const FOLDERS = ['home/user', 'tmp'];
const MAX_WORDS = 2_000;

/** Files could not be packed or unpacked. */
export class ArchiveError extends Error {
  override readonly name = 'ArchiveError';
  readonly code = 'archive';
}

/**
 * Writes the files of a sandbox to an archive of the host; tar runs inside, so that what the files are matters to nobody else.
 * @returns its size in bytes
 * @throws ArchiveError · GuestLostError · errors of the host's file system
 */
export async function packFiles(
  link: GuestLink,
  path: string,
  { folders, maxBytes }: { folders: string[]; maxBytes: number },
): Promise<number> {
  const more = folders.map((folder) => folder.slice(1));
  const stream = openTar(link, [...PACK, '--directory=/', ...FOLDERS, ...more], false);
  const file = createWriteStream(path, { mode: 0o600 });
  const failed = once(file, 'error').then(([error]) => Promise.reject(error as Error));
  failed.catch(() => undefined);
  let bytes = 0;
  try {
    await follow(stream, async (piece) => {
      bytes += piece.length;
      if (bytes > maxBytes) throw new ArchiveError(`the files of the sandbox are over ${maxBytes} bytes`);
      if (!file.write(piece)) await Promise.race([once(file, 'drain'), failed]);
    });
    file.end();
    await Promise.race([once(file, 'finish'), failed]);
    return bytes;
  } catch (error) {
    stream.cancel();
    file.destroy();
    await rm(path, { force: true });
    throw error;
  }
}

/** Puts the files of an archive into a sandbox. @throws ArchiveError · GuestLostError · errors of the host's file system */
export async function unpackFiles(link: GuestLink, path: string): Promise<void> {
  const stream = openTar(link, [...UNPACK, ...ATTRIBUTES, '--directory=/'], true);
  const sent = sendFile(stream, path);
  sent.catch(() => stream.cancel());
  await follow(stream, () => Promise.resolve());
  await sent;
}

async function sendFile(stream: GuestStream, path: string): Promise<void> {
  for await (const piece of createReadStream(path)) await stream.write(Channel.body, piece as Buffer);
  stream.writeEof();
}

function openTar(link: GuestLink, args: string[], stdin: boolean): GuestStream {
  return link.open('process.start', { cmd: TAR, args, envs: {}, user: 'root', stdin });
}

/** Reads a run of tar to its end. */
async function follow(stream: GuestStream, onOutput: (bytes: Buffer) => Promise<void>): Promise<void> {
  let words = '';
  let exitCode: unknown;
  for (let item = await stream.next(); item; item = await stream.next()) {
    if (item.type === 'data' && item.channel === Channel.stdout) await onOutput(item.bytes);
    else if (item.type === 'data') words = `${words}${item.bytes.toString('utf8')}`.slice(-MAX_WORDS);
    else if (item.type === 'event') exitCode = item.event['exitCode'] ?? exitCode;
  }
  // 1 is tar's word for files that changed meanwhile, and for those that it may not read.
  if (exitCode !== 0 && exitCode !== 1) {
    throw new ArchiveError(`tar ended with exit code ${String(exitCode)}: ${words.trim()}`);
  }
}
