import { Hono } from 'hono';

import type { LifecycleEvents } from '../events/lifecycle-events.ts';
import type { Webhooks } from '../events/webhooks.ts';
import { GuestLostError } from '../link/guest-stream.ts';
import {
  DEFAULT_LIMITS,
  DEFAULT_TEMPLATE_ALIASES,
  type SandboxServerOptions,
  type TemplateOptions,
} from '../options.ts';
import type { ImageStore } from '../images/image-store.ts';
import { measure } from '../metrics.ts';
import type { SandboxLogEntry } from '../sandbox-log.ts';
import type { Sandbox } from '../sandbox.ts';
import type { Sandboxes } from '../sandboxes.ts';
import type { SecretStore } from '../secrets/secret-store.ts';
import type { Builds } from '../templates/builds.ts';
import type { Volumes } from '../volumes/volumes.ts';
import type { WaysOut } from '../ways-out.ts';
import { ApiError, apiErrorResponse } from '../wire/api-error.ts';
import { ConnectFault, httpStatusOf } from '../wire/connect-fault.ts';
import { equalSecrets } from '../wire/equal-secrets.ts';
import type { AppContext, AppEnv } from './app-env.ts';
import { CreateOnce } from './create-once.ts';
import {
  connectTimeoutMs,
  createRequest,
  readNetworkUpdate,
  readTimeoutMs,
  wantsInternet,
} from './create-request.ts';
import { JsonFields } from '../wire/json-fields.ts';
import { eventRoutes } from './event-routes.ts';
import { listSandboxes } from './list-sandboxes.ts';
import { readJsonObject } from './request-body.ts';
import { alwaysAsksForInternet } from './sdk-version.ts';
import { metricJson, sandboxDetail, sandboxGrant } from './sandbox-json.ts';
import { checkImageName } from './image-name.ts';
import { secretRoutes } from './secret-routes.ts';
import { domainOf } from './server-domain.ts';
import { snapshotJson, snapshotRoutes } from './snapshots.ts';
import { templateRoutes } from './template-routes.ts';
import { volumeContentRoutes } from './volume-content.ts';
import { volumeRoutes } from './volume-routes.ts';

const MAX_FORKS = 100;
const MAX_LOG_PAGE = 1_000;

const DEFAULT_REFRESH_MS = 15_000;

/** What the control plane works on. */
export interface ControlPlaneDeps {
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

/** E2B's control plane: makes, finds, lists and ends sandboxes. */
export function controlPlane({
  options,
  sandboxes,
  ways,
  images,
  builds,
  volumes,
  secrets,
  events,
  webhooks,
}: ControlPlaneDeps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.onError((error, c) => {
    // It was killed while it was asked.
    if (error instanceof GuestLostError) {
      return apiErrorResponse(404, `sandbox '${c.req.param('id') ?? ''}' not found`);
    }
    if (error instanceof ApiError) return apiErrorResponse(error.status, error.message);
    const fault = ConnectFault.from(error);
    return apiErrorResponse(httpStatusOf(fault.code), fault.message);
  });
  app.get('/health', (c) => c.text('OK'));
  const domainFor = (c: AppContext): string | undefined => options.domain ?? domainOf(c);
  const templateNames = [...options.templates.flatMap(namesOf), ...DEFAULT_TEMPLATE_ALIASES];
  const templates = templateRoutes({
    ...{ images, builds, templateNames },
    memoryMb: options.limits?.memoryMb ?? DEFAULT_LIMITS.memoryMb,
  });
  app.route('/', templates.upload);
  app.route('/', volumeContentRoutes(volumes));
  app.use(async (c, next) => {
    const key = c.req.header('x-api-key');
    if (equalSecrets(options.apiKey, key)) return next();
    return apiErrorResponse(
      401,
      key === undefined ? 'the header X-API-KEY is missing' : 'the API key is not valid',
    );
  });

  const find = (c: AppContext): Sandbox => {
    const id = c.req.param('id') ?? '';
    const sandbox = sandboxes.get(id);
    if (!sandbox) throw new ApiError(404, `sandbox '${id}' not found`);
    return sandbox;
  };
  /** Ends what was made for a client that has left before its answer: nobody knows of it. */
  const endUnheardOf = async (c: AppContext, made: Sandbox[]): Promise<void> => {
    if (!c.req.raw.signal.aborted) return;
    await Promise.all(made.map(({ id }) => sandboxes.kill(id, 'unheard-of')));
  };
  const once = new CreateOnce();
  const create = async (c: AppContext): Promise<Response> => {
    const server = {
      allowInternet: options.allowInternet ?? false,
      alwaysAsked: alwaysAsksForInternet((name) => c.req.header(name)),
      // On the older path come clients that send the code interpreter no token.
      alwaysSecure: c.req.path.startsWith('/v2/'),
      volumes: volumes.store,
    };
    const body = await readJsonObject(c);
    const make = async (): Promise<Sandbox> => sandboxes.create(createRequest(new JsonFields(body), server));
    const grant = (sandbox: Sandbox): object => sandboxGrant(sandbox, domainFor(c));
    const key = c.req.header('idempotency-key');
    // Who sends a key may come back with it for what was made meanwhile.
    if (key !== undefined) {
      return Response.json(await once.answer(key, body, async () => grant(await make())), { status: 201 });
    }
    const sandbox = await make();
    await endUnheardOf(c, [sandbox]);
    return Response.json(grant(sandbox), { status: 201 });
  };
  const connect = async (c: AppContext): Promise<Response> => {
    const fields = await fieldsOf(c);
    const sandbox = find(c);
    const keepMemory = fields.optionalBoolean('memory') ?? true;
    const resumed = await sandboxes.resume(sandbox, connectTimeoutMs(fields), keepMemory);
    return Response.json(sandboxGrant(sandbox, domainFor(c)), { status: resumed ? 201 : 200 });
  };

  for (const version of ['', '/v2']) {
    app.post(`${version}/sandboxes`, create);
    app.post(`${version}/sandboxes/:id/connect`, connect);
    app.post(`${version}/sandboxes/:id/resume`, connect);
    app.get(`${version}/sandboxes`, (c) => listSandboxes(c, sandboxes.all()));
  }
  app.get('/sandboxes/:id', (c) => Response.json(sandboxDetail(find(c), domainFor(c))));
  app.delete('/sandboxes/:id', async (c) => {
    const { id } = find(c);
    await sandboxes.kill(id, 'killed');
    return new Response(null, { status: 204 });
  });
  app.post('/sandboxes/:id/timeout', async (c) => {
    const timeoutMs = readTimeoutMs(await fieldsOf(c));
    if (timeoutMs === undefined) throw new ApiError(400, `'timeout' is missing`);
    const sandbox = expectRunning(find(c));
    sandbox.setTimeout(timeoutMs);
    events.add('updated', sandbox, { set_timeout: sandbox.endAt.toISOString() });
    return new Response(null, { status: 204 });
  });
  app.post('/sandboxes/:id/refreshes', async (c) => {
    const timeoutMs = readTimeoutMs(await fieldsOf(c), 'duration') ?? DEFAULT_REFRESH_MS;
    expectRunning(find(c)).extendTimeout(timeoutMs);
    return new Response(null, { status: 204 });
  });
  app.get('/sandboxes/:id/metrics', async (c) => {
    const sandbox = find(c);
    const now = Date.now();
    const from = timeOf(c.req.query('start')) ?? 0;
    // Seconds, whose last one has not passed yet.
    const to = (timeOf(c.req.query('end')) ?? now) + 999;
    const metrics = sandbox.metrics.between(from, to);
    // A sandbox that is paused uses nothing to be measured.
    if (sandbox.state === 'running' && to >= now) metrics.push(await measure(sandbox.link));
    return Response.json(metrics.map(metricJson));
  });
  app.get('/sandboxes/:id/logs', (c) => {
    const entries = logEntries(c, find(c));
    const logs = entries.map((entry) => ({ timestamp: entry.timestamp, line: logLine(entry) }));
    return Response.json({ logs, logEntries: entries });
  });
  app.get('/v2/sandboxes/:id/logs', (c) => Response.json({ logs: logEntries(c, find(c)) }));
  app.post('/sandboxes/:id/pause', async (c) => {
    const keepMemory = (await fieldsOf(c)).optionalBoolean('memory') ?? true;
    const sandbox = find(c);
    if (await sandboxes.pause(sandbox, keepMemory)) return new Response(null, { status: 204 });
    return apiErrorResponse(409, `sandbox '${sandbox.id}' is paused already`);
  });
  app.post('/sandboxes/:id/snapshots', async (c) => {
    const name = (await fieldsOf(c)).optionalString('name');
    const image = await sandboxes.snapshot(find(c), name ? [checkImageName(name)] : []);
    return Response.json(snapshotJson(image), { status: 201 });
  });
  app.post('/sandboxes/:id/fork', async (c) => {
    const fields = await fieldsOf(c);
    const count = fields.optionalInteger('count') ?? 1;
    if (count < 1 || count > MAX_FORKS) throw new ApiError(400, `'count' has to be from 1 to ${MAX_FORKS}`);
    const forks = await sandboxes.fork(find(c), count, connectTimeoutMs(fields));
    await endUnheardOf(
      c,
      forks.flatMap((fork) => (fork.status === 'fulfilled' ? [fork.value] : [])),
    );
    return Response.json(
      forks.map((fork) => forkJson(fork, domainFor(c))),
      { status: 201 },
    );
  });
  app.put('/sandboxes/:id/network', async (c) => {
    const fields = await fieldsOf(c);
    const sandbox = find(c);
    // Where there is no way out there is nothing to deny, and none can be made later.
    wantsInternet(fields, { allowInternet: sandbox.request.internet });
    const { allowPublicTraffic, maskRequestHost, httpsPorts } = sandbox.network;
    const kept = { allowPublicTraffic, maskRequestHost, httpsPorts };
    await ways.change(sandbox, { ...kept, ...readNetworkUpdate(fields) });
    return new Response(null, { status: 204 });
  });
  app.route('/', snapshotRoutes(images));
  app.route('/', templates.routes);
  app.route('/', volumeRoutes(volumes));
  app.route('/', secretRoutes(secrets));
  app.route('/', eventRoutes(events, webhooks));
  app.notFound((c) => apiErrorResponse(404, `${c.req.method} ${c.req.path} is not part of this server`));
  return app;
}

/** A Unix time in s as one in ms. */
function timeOf(seconds: string | undefined): number | undefined {
  const value = Number(seconds);
  return seconds === undefined || !Number.isFinite(value) ? undefined : value * 1000;
}

function namesOf({ name, aliases = [] }: TemplateOptions): string[] {
  return [name, ...aliases];
}

/** Entries from `start` or `cursor` on, which are Unix times in milliseconds. */
function logEntries(c: AppContext, sandbox: Sandbox): SandboxLogEntry[] {
  const start = Number(c.req.query('cursor') ?? c.req.query('start') ?? 0) || 0;
  const limit = Number(c.req.query('limit') ?? MAX_LOG_PAGE) || MAX_LOG_PAGE;
  return sandbox.log.since(start, Math.min(Math.max(1, limit), MAX_LOG_PAGE));
}

function expectRunning(sandbox: Sandbox): Sandbox {
  if (sandbox.state === 'running') return sandbox;
  throw new ApiError(409, `sandbox '${sandbox.id}' is paused: connect to it first`);
}

function forkJson(fork: PromiseSettledResult<Sandbox>, domain: string | undefined): object {
  if (fork.status === 'fulfilled') return { sandbox: sandboxGrant(fork.value, domain) };
  const error = fork.reason as Error;
  return { error: { code: error instanceof ApiError ? error.status : 500, message: error.message } };
}

async function fieldsOf(c: AppContext): Promise<JsonFields> {
  return new JsonFields(await readJsonObject(c));
}

/** An entry as the older logs have it, whose lines are JSON that clients read. */
function logLine({ level, message, fields }: SandboxLogEntry): string {
  return JSON.stringify({ ...fields, level, logger: 'sandbox', message });
}
