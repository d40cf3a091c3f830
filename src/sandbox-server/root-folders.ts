import { posix } from 'node:path';

const SYSTEM_FOLDERS = new Set(
  'bin boot dev etc home lib lib32 lib64 libx32 node_modules opt proc root run sbin sys tmp usr var'.split(
    ' ',
  ),
);
/** How many of them a sandbox may have. */
export const MAX_ROOT_FOLDERS = 16;

/**
 * The folder right under `/` that an absolute path leads through, such as `/app`, where it is none of the system's: a sandbox cannot make it for
 * itself, but be given one.
 */
export function rootFolderOf(path: string): string | undefined {
  if (!path.startsWith('/')) return undefined;
  const top = /^\/([A-Za-z0-9_][\w.-]{0,63})(?:\/|$)/.exec(posix.normalize(path))?.[1];
  return top === undefined || SYSTEM_FOLDERS.has(top) ? undefined : `/${top}`;
}
