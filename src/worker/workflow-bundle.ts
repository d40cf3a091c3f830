import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { access, mkdir, mkdtemp, readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const here = fileURLToPath(import.meta.url);
/** `.ts` when run from the sources, `.js` when built. */
const extension = extname(here);
const root = dirname(dirname(here));

/** The module that exports every workflow. */
export const workflowsPath = join(root, 'workflows', `index${extension}`);

/**
 * The workflows as one file of code, built once for each state of their sources and kept in `home`. The bundler costs 2–3 s and 100 MB, so it runs
 * in a process of its own and only when there is something new.
 */
export async function workflowBundle(home: string): Promise<{ codePath: string }> {
  const name = `workflow-bundle-${await hashOfSources()}.js`;
  const kept = join(home, 'cache', name);
  if (await isThere(kept)) return { codePath: kept };
  try {
    await build(kept);
    return { codePath: kept };
  } catch (error) {
    if (await isWritable(home)) throw error;
    // A read-only installation: built at each start, into a folder that only we can write to.
    const codePath = join(await mkdtemp(join(tmpdir(), 'assay-bundle-')), name);
    await build(codePath);
    return { codePath };
  }
}

async function build(codePath: string): Promise<void> {
  const builder = join(dirname(here), `build-bundle${extension}`);
  await promisify(execFile)(process.execPath, [builder, codePath], { maxBuffer: 16 * 1024 * 1024 });
}

async function isThere(path: string, mode = constants.F_OK): Promise<boolean> {
  return await access(path, mode).then(
    () => true,
    () => false,
  );
}

async function isWritable(home: string): Promise<boolean> {
  return await mkdir(join(home, 'cache'), { recursive: true }).then(
    () => isThere(join(home, 'cache'), constants.W_OK),
    () => false,
  );
}

async function hashOfSources(): Promise<string> {
  const folders = await Promise.all(
    ['workflows', 'domain'].map(async (folder) =>
      (await readdir(join(root, folder), { recursive: true })).map((file) => join(folder, file)),
    ),
  );
  const files = folders.flat().filter((file) => file.endsWith(extension));
  const sdk = createRequire(import.meta.url)('@temporalio/workflow/package.json') as { version: string };
  const hash = createHash('sha256').update(sdk.version);
  for (const file of files.toSorted()) hash.update(`\0${file}\0`).update(await readFile(join(root, file)));
  return hash.digest('hex').slice(0, 16);
}
