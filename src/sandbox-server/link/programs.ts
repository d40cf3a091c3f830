import { execFile } from 'node:child_process';
import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { delimiter, join, relative } from 'node:path';
import { promisify } from 'node:util';

import type { PythonHome } from './nest-args.ts';

/** A program that the server needs is not there. */
export class ProgramMissingError extends Error {
  override readonly name = 'ProgramMissingError';
  readonly code = 'program-missing';
}

/** The real path of a program: as given, or found on PATH by name. @throws ProgramMissingError */
export function findProgram(name: string, given: string | undefined): string {
  const candidates = given
    ? [given]
    : (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, name));
  const found = candidates.find(isExecutable);
  if (found === undefined) {
    throw new ProgramMissingError(
      given ? `${given} is not a program` : `${name} is neither configured nor on PATH`,
    );
  }
  return realpathSync(found);
}

/** Where an interpreter lives with all that it needs; of a virtual environment, the interpreter under it. */
export async function findPython(given: string | undefined): Promise<PythonHome> {
  const python = findProgram('python3', given);
  const script =
    'import os, sys; print(sys.base_prefix); print(os.path.realpath(sys.executable)); print(sys.version_info[:2] >= (3, 10))';
  const { stdout } = await promisify(execFile)(given ?? python, ['-I', '-c', script], { timeout: 20_000 });
  const [prefix = '', program = '', recent] = stdout.trim().split('\n');
  if (recent !== 'True') throw new ProgramMissingError(`${python} is older than Python 3.10`);
  return { prefix: realpathSync(prefix), program: relative(realpathSync(prefix), program) };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
