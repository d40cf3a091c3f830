import { homedir } from 'node:os';
import { join, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout, or the folder of the installed package. */
export const PROJECT_ROOT = fileURLToPath(new URL('..', import.meta.url)).replace(/[/\\]$/, '');

/** Where set-up, caches, the local store and the embedded stack have their files: `ASSAY_HOME`. Default: `.assay` in the checkout, `~/.assay` for an installed package. */
export function assayHome(env: NodeJS.ProcessEnv = process.env): string {
  if (env['ASSAY_HOME']) return resolve(env['ASSAY_HOME']);
  const installed = PROJECT_ROOT.includes(`${sep}node_modules${sep}`);
  return join(installed ? homedir() : PROJECT_ROOT, '.assay');
}

/** A file of `src/`, or of `dist/` where this runs from there. `name` is without extension, such as `worker`. */
export function sourceFile(name: string): string {
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
  return fileURLToPath(new URL(`./${name}${extension}`, import.meta.url));
}
