import type { Sandbox } from '@e2b/code-interpreter';
import type { JobInput } from '../domain/job-input.ts';
import { fromContent } from '../store/content.ts';
import type { StepContext } from './step-context.ts';

/** Where a job's code runs and its files lie. A sandbox sees one attempt, so the folder is fresh. */
export const WORK_FOLDER = '/home/user/work';

/** Puts the job's files, and the given ones, into the working folder, which exists afterwards. */
export async function uploadFiles(
  sandbox: Sandbox,
  job: JobInput,
  context: StepContext,
  more: { path: string; data: string }[] = [],
): Promise<void> {
  const files = await Promise.all(
    job.files.map(async ({ path, content }) => ({
      path: `${WORK_FOLDER}/${path}`,
      data: new Blob([(await fromContent(content, context.store)) as Uint8Array<ArrayBuffer>]),
    })),
  );
  const others = more.map(({ path, data }) => ({ path: `${WORK_FOLDER}/${path}`, data }));
  if (files.length + others.length > 0) await sandbox.files.write([...files, ...others]);
}

/** What the code's own file is called. */
export function solutionFile(job: Pick<JobInput, 'language'>): string {
  return { python: 'solution.py', javascript: 'solution.js', typescript: 'solution.ts', bash: 'solution.sh' }[
    job.language
  ];
}
