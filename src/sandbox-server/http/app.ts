import { Hono } from 'hono';

import type { SandboxServerOptions } from '../options.ts';
import type { ImageStore } from '../images/image-store.ts';
import type { Sandbox } from '../sandbox.ts';
import type { Sandboxes } from '../sandboxes.ts';
import { portClosedResponse, sandboxGoneResponse } from '../wire/api-error.ts';
import type { AppContext, AppEnv } from './app-env.ts';
import { codeInterpreter } from './code-interpreter.ts';
import { controlPlane } from './control-plane.ts';
import { guestDaemon } from './guest-daemon.ts';
import { signedFiles } from './signed-files.ts';

const GUEST_DAEMON_PORT = 49983;
const CODE_INTERPRETER_PORT = 49999;

/** What the app serves. */
export interface AppDeps {
  options: SandboxServerOptions;
  sandboxes: Sandboxes;
  images: ImageStore;
}

/**
 * The whole server as one app: the control plane, and for requests that name a sandbox its guest daemon and code
 * interpreter. Usable without a port: `app.request('/health')`.
 */
export function createApp(deps: AppDeps): Hono<AppEnv> {
  const control = controlPlane(deps);
  const ports = new Map([
    [GUEST_DAEMON_PORT, guestDaemon()],
    [CODE_INTERPRETER_PORT, codeInterpreter()],
  ]);
  const app = new Hono<AppEnv>();
  app.all('*', async (c) => {
    const target = sandboxTarget(c);
    if (!target) {
      const signed = c.req.path === '/files' && c.req.query('signature') !== undefined;
      return signed ? signedFiles(c, deps.sandboxes) : control.fetch(c.req.raw, c.env);
    }
    const sandbox = await awake(deps.sandboxes, target.sandboxId);
    if (!sandbox) return sandboxGoneResponse(target.sandboxId);
    const service = ports.get(target.port);
    if (!service) return portClosedResponse(target.sandboxId, target.port);
    return service.fetch(c.req.raw, { ...c.env, sandbox });
  });
  return app;
}

/** A sandbox that runs, or that a request wakes up, where it was made so. */
async function awake(sandboxes: Sandboxes, id: string): Promise<Sandbox | undefined> {
  const sandbox = sandboxes.get(id);
  if (sandbox === undefined || sandbox.state === 'running') return sandbox;
  if (!sandbox.request.lifecycle.autoResume) return undefined;
  const resumed = sandboxes.resume(sandbox, sandbox.request.timeoutMs);
  return resumed.then(
    () => sandbox,
    () => undefined,
  );
}

/** The sandbox and port that a request names, by E2B's headers or by a host `PORT-ID.domain`. */
function sandboxTarget(c: AppContext): { sandboxId: string; port: number } | undefined {
  const sandboxId = c.req.header('e2b-sandbox-id');
  const port = c.req.header('e2b-sandbox-port');
  if (sandboxId !== undefined) return { sandboxId, port: Number(port ?? GUEST_DAEMON_PORT) };
  const host = /^(\d{1,5})-([a-z0-9]{10,40})\./.exec(c.req.header('host') ?? '');
  return host ? { port: Number(host[1]), sandboxId: host[2] ?? '' } : undefined;
}
