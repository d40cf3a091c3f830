import { Hono } from 'hono';

import type { SandboxServerOptions } from '../options.ts';
import type { Sandbox } from '../sandbox.ts';
import type { Sandboxes } from '../sandboxes.ts';
import { ApiError, apiErrorResponse } from '../wire/api-error.ts';
import { ConnectFault, httpStatusOf } from '../wire/connect-fault.ts';
import { equalSecrets } from '../wire/equal-secrets.ts';
import type { AppContext, AppEnv } from './app-env.ts';
import { connectTimeoutMs, createRequest, readTimeoutMs } from './create-request.ts';
import { JsonFields } from './json-fields.ts';
import { listSandboxes } from './list-sandboxes.ts';
import { notThereYet } from './not-there-yet.ts';
import { readJsonObject } from './request-body.ts';
import { sandboxDetail, sandboxGrant, sandboxMetric } from './sandbox-json.ts';

/** What the control plane works on. */
export interface ControlPlaneDeps {
  options: SandboxServerOptions;
  sandboxes: Sandboxes;
}

/** E2B's control plane: makes, finds, lists and ends sandboxes. */
export function controlPlane({ options, sandboxes }: ControlPlaneDeps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.onError((error) => {
    if (error instanceof ApiError) return apiErrorResponse(error.status, error.message);
    const fault = ConnectFault.from(error);
    return apiErrorResponse(httpStatusOf(fault.code), fault.message);
  });
  app.get('/health', (c) => c.text('OK'));
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
  const create = async (c: AppContext): Promise<Response> => {
    const request = createRequest(await fieldsOf(c), { allowInternet: options.allowInternet ?? false });
    return Response.json(sandboxGrant(await sandboxes.create(request)), { status: 201 });
  };
  const connect = async (c: AppContext): Promise<Response> => {
    const fields = await fieldsOf(c);
    const sandbox = find(c);
    sandbox.extendTimeout(connectTimeoutMs(fields));
    return Response.json(sandboxGrant(sandbox));
  };

  for (const version of ['', '/v2']) {
    app.post(`${version}/sandboxes`, create);
    app.post(`${version}/sandboxes/:id/connect`, connect);
    app.get(`${version}/sandboxes`, (c) => listSandboxes(c, sandboxes.all()));
  }
  app.get('/sandboxes/:id', (c) => Response.json(sandboxDetail(find(c))));
  app.delete('/sandboxes/:id', async (c) => {
    const { id } = find(c);
    await sandboxes.kill(id, 'killed');
    return new Response(null, { status: 204 });
  });
  app.post('/sandboxes/:id/timeout', async (c) => {
    const timeoutMs = readTimeoutMs(await fieldsOf(c));
    if (timeoutMs === undefined) throw new ApiError(400, `'timeout' is missing`);
    find(c).setTimeout(timeoutMs);
    return new Response(null, { status: 204 });
  });
  app.post('/sandboxes/:id/refreshes', async (c) => {
    const seconds = (await fieldsOf(c)).optionalInteger('duration') ?? 15;
    find(c).extendTimeout(seconds * 1000);
    return new Response(null, { status: 204 });
  });
  app.get('/sandboxes/:id/metrics', async (c) => Response.json([await sandboxMetric(find(c))]));
  app.route('/', notThereYet());
  app.notFound((c) => apiErrorResponse(404, `${c.req.method} ${c.req.path} is not part of this server`));
  return app;
}

async function fieldsOf(c: AppContext): Promise<JsonFields> {
  return new JsonFields(await readJsonObject(c));
}
