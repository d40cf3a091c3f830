import type { Artifact, JobResult } from '../domain/job-result.ts';
import type { Store } from '../store/store.ts';
import { printableLine } from './printable.ts';
import { UnsafeArtifactError, writeArtifact } from './write-artifact.ts';

export interface SaveOptions {
  folder: string;
  /** Whether files that are there may be replaced. Default: false */
  force?: boolean | undefined;
  /** Which ones. Default: all */
  only?: Artifact[] | undefined;
}

/** Writes artifacts below a folder and returns where they lie. Those that cannot be written are told, and the first is thrown after the rest is done. */
export async function saveArtifacts(
  result: JobResult,
  store: Store,
  { folder, force, only }: SaveOptions,
): Promise<string[]> {
  const saved: string[] = [];
  let refused: UnsafeArtifactError | undefined;
  for (const artifact of only ?? result.artifacts) {
    try {
      saved.push(await writeArtifact(folder, artifact, () => store.read(artifact), force));
    } catch (error) {
      if (!(error instanceof UnsafeArtifactError)) throw error;
      if (refused) process.stderr.write(`assay: ${printableLine(refused.message)}\n`);
      refused = error;
    }
  }
  if (refused) throw refused;
  return saved;
}
