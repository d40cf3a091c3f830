import { Hono } from 'hono';

import type { LifecycleEvents } from '../events/lifecycle-events.ts';
import type { Webhooks } from '../events/webhooks.ts';
import type { SandboxServerOptions } from '../options.ts';
import type { ImageStore } from '../images/image-store.ts';
import type { Sandboxes } from '../sandboxes.ts';
import type { SecretStore } from '../secrets/secret-store.ts';
import type { Builds } from '../templates/builds.ts';
import type { Volumes } from '../volumes/volumes.ts';
import type { WaysOut } from '../ways-out.ts';
import { portClosedResponse, sandboxGoneResponse } from '../wire/api-error.ts';
import type { AppEnv } from './app-env.ts';
import { awake } from './awake.ts';
import { codeInterpreter } from './code-interpreter.ts';
import { controlPlane } from './control-plane.ts';
import { guestDaemon } from './guest-daemon.ts';
import { CODE_INTERPRETER_PORT, GUEST_DAEMON_PORT, sandboxTarget } from './sandbox-target.ts';
import { signedFiles } from './signed-files.ts';

/** What the app serves. */
export interface AppDeps {
  options: SandboxServerOptions;
  sandboxes: Sandboxes;
  ways: WaysOut;
  images: ImageStore;
  builds: Builds;
  volumes: Volumes;
  secrets: SecretStore;
  events: LifecycleEvents;
  webhooks: Webhooks;
}

/**
 * The whole server as one app: the control plane, and for requests that name a sandbox its guest daemon and code
 * interpreter; other ports are the port proxy's, before it. Usable without a port: `app.request('/health')`.
 */
export function createApp(deps: AppDeps): Hono<AppEnv> {
  const control = controlPlane(deps);
  const ports = new Map([
    [GUEST_DAEMON_PORT, guestDaemon(deps.sandboxes)],
    [CODE_INTERPRETER_PORT, codeInterpreter()],
  ]);
  const app = new Hono<AppEnv>();
  app.all('*', async (c) => {
    const target = sandboxTarget(
      // Of the address, for HTTP/2 has another header for it.
      (name) => (name === 'host' ? new URL(c.req.url).host : c.req.header(name)),
      c.req.path,
    );
    if (!target) {
      const signed = c.req.path === '/files' && c.req.query('signature') !== undefined;
      return signed ? signedFiles(c, deps.sandboxes) : control.fetch(c.req.raw, c.env);
    }
    // To ask whether it runs is no reason to wake it: clients do so too when a pause cuts what they wait for.
    const isAsked = target.port === GUEST_DAEMON_PORT && c.req.path === '/health';
    const known = isAsked ? deps.sandboxes.get(target.sandboxId) : undefined;
    if (known && known.state !== 'running') return sandboxGoneResponse(target.sandboxId);
    const sandbox = known ?? (await awake(deps.sandboxes, target.sandboxId));
    if (!sandbox) return sandboxGoneResponse(target.sandboxId);
    const service = ports.get(target.port);
    if (!service) return portClosedResponse(target.sandboxId, target.port);
    return service.fetch(c.req.raw, { ...c.env, sandbox });
  });
  return app;
}
