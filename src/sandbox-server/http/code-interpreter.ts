import { Hono } from 'hono';

import { GuestLostError } from '../link/guest-stream.ts';
import { apiErrorResponse, sandboxGoneResponse } from '../wire/api-error.ts';
import { ConnectFault, httpStatusOf } from '../wire/connect-fault.ts';
import { equalSecrets } from '../wire/equal-secrets.ts';
import type { AppContext, AppEnv } from './app-env.ts';
import { executeResponse } from './execute-stream.ts';
import { JsonFields } from '../wire/json-fields.ts';
import { readJsonObject } from './request-body.ts';

const DEFAULT_LANGUAGE = 'python';
const MAX_STATUS_MESSAGE = 300;

/** E2B's code interpreter of one sandbox, which the context names: runs code in contexts that keep their state. */
export function codeInterpreter(): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.get('/health', (c) => c.text('OK'));
  app.use(async (c, next) => {
    const { accessToken, trafficToken, request, network } = c.env.sandbox;
    // Calls about contexts come with the traffic token alone, and those of older clients with none.
    const known =
      (!request.secure && network.allowPublicTraffic !== false) ||
      equalSecrets(accessToken, c.req.header('x-access-token')) ||
      equalSecrets(trafficToken, c.req.header('e2b-traffic-access-token'));
    return known ? next() : apiErrorResponse(401, 'the access token is missing or wrong');
  });
  app.post('/execute', (c) => answer(c, execute));
  app.get('/contexts', (c) => answer(c, listContexts));
  app.post('/contexts', (c) => answer(c, createContext));
  app.delete('/contexts/:id', (c) => answer(c, (context) => onContext(context, 'kernel.remove')));
  app.post('/contexts/:id/restart', (c) => answer(c, (context) => onContext(context, 'kernel.restart')));
  app.notFound((c) => apiErrorResponse(404, `${c.req.method} ${c.req.path} is not supported`));
  return app;
}

async function answer(c: AppContext, handle: (c: AppContext) => Promise<Response>): Promise<Response> {
  try {
    return await handle(c);
  } catch (error) {
    if (error instanceof GuestLostError) return sandboxGoneResponse(c.env.sandbox.id);
    const fault = ConnectFault.from(error);
    tellInStatusLine(c, fault.message);
    return apiErrorResponse(httpStatusOf(fault.code), fault.message);
  }
}

/** E2B's JavaScript SDK shows of most refusals the status line alone. HTTP/2 has none. */
function tellInStatusLine(c: AppContext, message: string): void {
  const { outgoing } = c.env;
  if (outgoing === undefined || outgoing.req.httpVersionMajor > 1) return;
  outgoing.statusMessage = message.slice(0, MAX_STATUS_MESSAGE).replace(/[^\x20-\x7e]/g, '?');
}

async function execute(c: AppContext): Promise<Response> {
  const fields = new JsonFields(await readJsonObject(c));
  const contextId = fields.optionalString('context_id');
  const language = fields.optionalString('language');
  if (contextId !== undefined && language !== undefined) {
    throw new ConnectFault('invalid_argument', 'only one of context_id and language can be given');
  }
  const where: Record<string, string> =
    contextId === undefined ? { language: language?.toLowerCase() || DEFAULT_LANGUAGE } : { contextId };
  const code = fields.optionalString('code') ?? '';
  const stream = c.env.sandbox.link.open('kernel.execute', {
    ...where,
    code,
    envs: fields.stringMap('env_vars'),
  });
  c.env.sandbox.log.add('info', `run of ${code.length} characters`, { ...where });
  return executeResponse(c, stream);
}

async function createContext(c: AppContext): Promise<Response> {
  const fields = new JsonFields(await readJsonObject(c));
  const language = fields.optionalString('language')?.toLowerCase() || DEFAULT_LANGUAGE;
  const cwd = fields.optionalString('cwd') || '/home/user';
  const context = await c.env.sandbox.link.call('kernel.create', { language, cwd });
  return Response.json(contextJson({ language, cwd, ...context }));
}

async function listContexts(c: AppContext): Promise<Response> {
  const contexts = await c.env.sandbox.link.list('kernel.list', 'contexts');
  return Response.json(contexts.map(contextJson));
}

async function onContext(c: AppContext, op: 'kernel.remove' | 'kernel.restart'): Promise<Response> {
  await c.env.sandbox.link.call(op, { contextId: c.req.param('id') });
  return Response.json(null);
}

function contextJson(context: unknown): object {
  const { contextId, language, cwd } = (context ?? {}) as Record<string, unknown>;
  return { id: String(contextId ?? ''), language: String(language ?? ''), cwd: String(cwd ?? '') };
}
