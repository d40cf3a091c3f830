import { existsSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import type { Assay } from '../client/assay.ts';
import type { JobSpec } from '../domain/job-spec.ts';
import { UsageError } from './cli-error.ts';
import { refuseUnreadable } from './read-input.ts';

type InputFile = NonNullable<JobSpec['files']>[number];

/** `--file PATH[=NAME]` of the command line: paths count from the current folder. */
export async function optionFiles(values: string[]): Promise<InputFile[]> {
  return Promise.all(
    values.map(async (value) => {
      const { from, path } = namedFile(value);
      await refuseUnreadable(from, `--file ${value}`);
      return { path, from: resolve(from) };
    }),
  );
}

/** The files of a job with local paths made absolute; they count from the job's own folder. References into the store stay. */
export async function localFiles(files: InputFile[], jobPath: string): Promise<InputFile[]> {
  const folder = jobPath === '-' ? '.' : dirname(jobPath);
  return Promise.all(
    files.map(async (file, index) => {
      if (file.from === undefined || isStored(file.from)) return file;
      const from = resolve(folder, file.from);
      await refuseUnreadable(from, `files[${index}].from`);
      return { ...file, from };
    }),
  );
}

/** Streams local files into the store and leaves their references in the job. */
export async function uploadFiles(spec: JobSpec, assay: Assay): Promise<JobSpec> {
  const files: InputFile[] = [];
  for (const file of spec.files ?? []) {
    const local = file.from !== undefined && !isStored(file.from);
    files.push(local ? { ...file, from: (await assay.putFile(file.from!)).ref } : file);
  }
  return { ...spec, files };
}

/** `data.csv` goes in under its own name, `data/2024.csv=data.csv` under another. */
function namedFile(value: string): { from: string; path: string } {
  const at = value.lastIndexOf('=');
  // A file whose own name has an equals sign is that file.
  if (at === -1 || existsSync(value)) return { from: value, path: basename(value) };
  const path = value.slice(at + 1);
  if (at === 0 || path === '') throw new UsageError(`--file ${value}: must look like PATH or PATH=NAME`);
  return { from: value.slice(0, at), path };
}

function isStored(from: string): boolean {
  return from.startsWith('blob:');
}
