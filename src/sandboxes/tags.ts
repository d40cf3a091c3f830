/** What a sandbox of a job carries as metadata, so that a retry, a sweep and the reaper know whose it is. */
export interface SandboxTags {
  /** Who opened it, such as `assay/<namespace>`. */
  owner: string;
  jobId: string;
  runId: string;
  /** Which opening of the job it is, counted from 1 over all attempts. */
  opening: number;
  /** The attempt of the code that it was opened for. */
  attempt: number;
}

export function metadataOf(tags: SandboxTags): Record<string, string> {
  return {
    'assay.owner': tags.owner,
    'assay.job': tags.jobId,
    'assay.run': tags.runId,
    'assay.opening': String(tags.opening),
    'assay.attempt': String(tags.attempt),
  };
}
