import { rootFolderOf } from '../root-folders.ts';
import type { Sandbox } from '../sandbox.ts';
import type { Sandboxes } from '../sandboxes.ts';

/** Gives sandboxes their folders. */
export type RootFolders = Pick<Sandboxes, 'addFolder'>;

/** Makes the folder right under `/` that a folder lies in, where there is none: only the server can. True where it was that folder itself. */
export async function addRootFolder(
  sandboxes: RootFolders,
  sandbox: Sandbox,
  path: string,
): Promise<boolean> {
  const folder = rootFolderOf(path);
  if (folder === undefined || !(await sandboxes.addFolder(sandbox, folder))) return false;
  return path.replace(/\/+$/, '') === folder;
}
