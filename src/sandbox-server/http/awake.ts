import type { Sandbox } from '../sandbox.ts';
import type { Sandboxes } from '../sandboxes.ts';

/** A sandbox that runs, or that a request wakes up, where it was made so. */
export async function awake(sandboxes: Sandboxes, id: string): Promise<Sandbox | undefined> {
  const sandbox = sandboxes.get(id);
  if (sandbox === undefined || sandbox.state === 'running') return sandbox;
  if (!sandbox.request.lifecycle.autoResume) return undefined;
  const resumed = sandboxes.resume(sandbox, sandbox.request.timeoutMs);
  return resumed.then(
    () => sandbox,
    () => undefined,
  );
}
