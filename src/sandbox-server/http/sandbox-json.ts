import { availableParallelism } from 'node:os';

import type { SandboxMetric } from '../metrics.ts';
import type { NetworkRequest, Sandbox } from '../sandbox.ts';

/** The guest daemon's version whose features this server has. */
export const ENVD_VERSION = '0.6.4';

// Clients still expect the field that the cloud no longer uses.
const CLIENT_ID = 'local';

/** What a client gets that may use a sandbox: its tokens among it. */
export function sandboxGrant(sandbox: Sandbox, domain: string | undefined): object {
  return {
    sandboxID: sandbox.id,
    templateID: sandbox.template,
    alias: sandbox.request.templateId,
    clientID: CLIENT_ID,
    envdVersion: ENVD_VERSION,
    envdAccessToken: sandbox.accessToken,
    trafficAccessToken: sandbox.trafficToken,
    domain: domain ?? null,
  };
}

/** A sandbox's state by E2B's names. */
export function stateOf(sandbox: Sandbox): 'running' | 'paused' {
  return sandbox.state === 'running' ? 'running' : 'paused';
}

/** A sandbox in a list. */
export function sandboxSummary(sandbox: Sandbox): object {
  const { limits } = sandbox;
  return {
    sandboxID: sandbox.id,
    templateID: sandbox.template,
    alias: sandbox.request.templateId,
    clientID: CLIENT_ID,
    state: stateOf(sandbox),
    startedAt: sandbox.startedAt.toISOString(),
    endAt: sandbox.endAt.toISOString(),
    cpuCount: availableParallelism(),
    memoryMB: limits.memoryMb,
    diskSizeMB: limits.homeMb + limits.tmpMb,
    envdVersion: ENVD_VERSION,
    metadata: sandbox.request.metadata,
    volumeMounts: sandbox.request.volumeMounts.map(({ name, path }) => ({ name, path })),
  };
}

/** All that is known about one sandbox. */
export function sandboxDetail(sandbox: Sandbox, domain: string | undefined): object {
  const { lifecycle, internet } = sandbox.request;
  return {
    ...sandboxSummary(sandbox),
    envdAccessToken: sandbox.accessToken,
    domain: domain ?? null,
    allowInternetAccess: internet,
    network: shownNetwork(sandbox.network),
    lifecycle: { onTimeout: lifecycle.onTimeout, autoResume: lifecycle.autoResume },
  };
}

/** What a sandbox used at one moment. */
export function metricJson({ atMs, ...used }: SandboxMetric): object {
  return { timestamp: new Date(atMs).toISOString(), timestampUnix: Math.floor(atMs / 1000), ...used };
}

/** A proxy's password is never told. */
function shownNetwork({ egressProxy, ...network }: NetworkRequest): object {
  if (!egressProxy) return network;
  const { password: _, ...shown } = egressProxy;
  return { ...network, egressProxy: shown };
}
