import { Readable } from 'node:stream';
import type { Sandbox } from '@e2b/code-interpreter';
import { FileType } from '@e2b/code-interpreter';
import picomatch from 'picomatch';
import type { JobInput } from '../domain/job-input.ts';
import type { Artifact } from '../domain/job-result.ts';
import type { CollectOutcome } from '../domain/step-outcome.ts';
import type { StepContext } from './step-context.ts';
import { WORK_FOLDER } from './work-folder.ts';

/** What a job may keep. */
export interface Caps {
  files: number;
  totalBytes: number;
}
const CAPS: Caps = { files: 1_000, totalBytes: 1024 ** 3 };
const DEPTH = 32;

interface Found {
  path: string;
  size: number;
}

/**
 * Puts the files that match the job's globs into the store, sorted by path. Links are not followed. At most 1000 files and 1 GiB
 * are kept, and of what comes after a file that is too large still those that fit; `omitted` tells how many were left out.
 */
export async function collect(
  sandbox: Sandbox,
  job: JobInput,
  context: StepContext,
  caps: Caps = CAPS,
): Promise<CollectOutcome> {
  if (job.artifacts.length === 0) return { artifacts: [] };
  const found = await matchingFiles(sandbox, job.artifacts);
  const artifacts: Artifact[] = [];
  let total = 0;
  for (const { path, size } of found) {
    context.signal.throwIfAborted();
    if (artifacts.length >= caps.files || total + size > caps.totalBytes) continue;
    const stream = await sandbox.files.read(`${WORK_FOLDER}/${path}`, {
      format: 'stream',
      signal: context.signal,
    });
    const blob = await context.store.put(Readable.fromWeb(stream as Parameters<typeof Readable.fromWeb>[0]));
    total += blob.bytes;
    artifacts.push({ path, ...blob });
  }
  const omitted = found.length - artifacts.length;
  return { artifacts, ...(omitted > 0 && { omitted }) };
}

async function matchingFiles(sandbox: Sandbox, globs: string[]): Promise<Found[]> {
  const patterns = globs.map((glob) => glob.replace(/^(\.\/)+/, ''));
  // A plain name costs a look at its folder only; anything else a walk.
  const depth = Math.max(...patterns.map((glob) => (glob.includes('**') ? DEPTH : glob.split('/').length)));
  const matches = picomatch(patterns, { dot: false });
  if (!(await sandbox.files.exists(WORK_FOLDER))) return [];
  const entries = await sandbox.files.list(WORK_FOLDER, { depth });
  return entries
    .filter((entry) => entry.type === FileType.FILE && !entry.symlinkTarget)
    .map((entry) => ({ path: entry.path.slice(WORK_FOLDER.length + 1), size: Number(entry.size) }))
    .filter(({ path }) => matches(path))
    .toSorted((a, b) => (a.path < b.path ? -1 : 1));
}
