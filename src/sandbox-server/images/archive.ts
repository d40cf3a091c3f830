import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { once } from 'node:events';

import type { GuestLink } from '../link/guest-link.ts';
import { runProcess, type ProcessHandlers } from '../link/run-process.ts';

const TAR = '/usr/bin/tar';
/** With the metadata that files carry as extended attributes. */
const ATTRIBUTES = ['--xattrs', '--xattrs-include=user.*'];
/** In one file system each: volumes that lie in the folders are not theirs. */
const PACK = [
  ...['--create', '--file=-', '--sparse', '--ignore-failed-read', '--one-file-system'],
  ...ATTRIBUTES,
];
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
  const file = createWriteStream(path, { mode: 0o600 });
  const failed = once(file, 'error').then(([error]) => Promise.reject(error as Error));
  failed.catch(() => undefined);
  let bytes = 0;
  try {
    await runTar(link, [...PACK, '--directory=/', ...FOLDERS, ...more], {
      onStdout: async (piece) => {
        bytes += piece.length;
        if (bytes > maxBytes) throw new ArchiveError(`the files of the sandbox are over ${maxBytes} bytes`);
        if (!file.write(piece)) await Promise.race([once(file, 'drain'), failed]);
      },
    });
    file.end();
    await Promise.race([once(file, 'finish'), failed]);
    return bytes;
  } catch (error) {
    file.destroy();
    await rm(path, { force: true });
    throw error;
  }
}

/**
 * Puts the files of an archive into a sandbox, but for what lies under one of the paths `without`.
 * @throws ArchiveError · GuestLostError · errors of the host's file system
 */
export async function unpackFiles(link: GuestLink, path: string, without: string[]): Promise<void> {
  const excluded = without.map((each) => `--exclude=${each.slice(1)}`);
  const options = [...UNPACK, ...ATTRIBUTES, '--anchored', '--no-wildcards', ...excluded, '--directory=/'];
  await runTar(link, options, { input: path });
}

async function runTar(link: GuestLink, args: string[], handlers: ProcessHandlers): Promise<void> {
  let words = '';
  const onStderr = (bytes: Buffer): void =>
    void (words = `${words}${bytes.toString('utf8')}`.slice(-MAX_WORDS));
  const { exitCode, unsent } = await runProcess(
    link,
    { cmd: TAR, args, user: 'root' },
    { ...handlers, onStderr },
  );
  // 1 is tar's word for files that changed meanwhile, and for those that it may not read.
  if (exitCode !== 0 && exitCode !== 1) {
    throw new ArchiveError(`tar ended with exit code ${String(exitCode)}: ${words.trim()}`);
  }
  if (unsent) throw unsent;
}
