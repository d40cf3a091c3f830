import { Sandbox } from '@e2b/code-interpreter';
import type { Config } from '../../src/config.ts';

/** The sandboxes that a job has open now. */
export async function openSandboxesOf(config: Config, jobId: string): Promise<string[]> {
  const pages = Sandbox.list({ ...config.sandbox, query: { metadata: { 'assay.job': jobId } } });
  const found: string[] = [];
  while (pages.hasNext) found.push(...(await pages.nextItems()).map(({ sandboxId }) => sandboxId));
  return found;
}
