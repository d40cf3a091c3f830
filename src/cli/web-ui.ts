import type { Connection } from './connection.ts';

/** Where a job is seen in Temporal's Web UI; undefined where that is not known. */
export function jobUrl(
  { assay, uiUrl }: Pick<Connection, 'assay' | 'uiUrl'>,
  jobId: string,
): string | undefined {
  if (uiUrl === undefined) return undefined;
  const { namespace } = assay.config.temporal;
  return `${uiUrl}/namespaces/${encodeURIComponent(namespace)}/workflows/${encodeURIComponent(jobId)}`;
}
