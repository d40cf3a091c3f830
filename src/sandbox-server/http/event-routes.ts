import { Hono } from 'hono';

import { EVENT_KINDS, TEAM_ID, type LifecycleEvents } from '../events/lifecycle-events.ts';
import type { Webhook, Webhooks } from '../events/webhooks.ts';
import { ApiError } from '../wire/api-error.ts';
import { JsonFields } from '../wire/json-fields.ts';
import type { AppContext, AppEnv } from './app-env.ts';
import { readJsonObject } from './request-body.ts';

const DEFAULT_PAGE = 10;
const MAX_PAGE = 100;
const MAX_WEBHOOKS = 100;
const TYPES: string[] = EVENT_KINDS.map((kind) => `sandbox.lifecycle.${kind}`);

/** Tells what happened to sandboxes, and to whom it is to be told. */
export function eventRoutes(events: LifecycleEvents, webhooks: Webhooks): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.get('/events/sandboxes', (c) => eventsOf(c, events));
  app.get('/events/sandboxes/:id', (c) => eventsOf(c, events, c.req.param('id')));
  app.post('/events/webhooks', async (c) => {
    const fields = await fieldsOf(c);
    if (webhooks.all().length >= MAX_WEBHOOKS)
      throw new ApiError(400, `there are ${MAX_WEBHOOKS} webhooks already: delete one first`);
    const made = webhooks.keep({
      name: fields.string('name'),
      url: checkUrl(fields.string('url')),
      enabled: fields.optionalBoolean('enabled') ?? true,
      events: checkTypes(fields.strings('events')),
      signatureSecret: fields.string('signatureSecret'),
    });
    return Response.json(webhookJson(made), { status: 201 });
  });
  app.get('/events/webhooks', () => Response.json(webhooks.all().map(webhookJson)));
  app.get('/events/webhooks/:id', (c) => Response.json(webhookJson(find(c, webhooks))));
  app.patch('/events/webhooks/:id', async (c) => {
    const known = find(c, webhooks);
    const fields = await fieldsOf(c);
    const changed = webhooks.keep({
      ...known,
      name: fields.optionalString('name') ?? known.name,
      url: checkUrl(fields.optionalString('url') ?? known.url),
      enabled: fields.optionalBoolean('enabled') ?? known.enabled,
      events: fields.listLength('events') > 0 ? checkTypes(fields.strings('events')) : known.events,
      signatureSecret: fields.optionalString('signatureSecret') ?? known.signatureSecret,
    });
    return Response.json(webhookJson(changed));
  });
  app.delete('/events/webhooks/:id', (c) => {
    webhooks.remove(find(c, webhooks).id);
    return Response.json({});
  });
  return app;
}

/** @throws ApiError 400 */
function eventsOf(c: AppContext, events: LifecycleEvents, sandboxId?: string): Response {
  const types = checkTypes(c.req.queries('types') ?? TYPES);
  const offset = numberOf(c, 'offset', { default: 0, min: 0, max: Number.MAX_SAFE_INTEGER });
  const limit = numberOf(c, 'limit', { default: DEFAULT_PAGE, min: 1, max: MAX_PAGE });
  const found = events.all(sandboxId).filter(({ type }) => types.includes(type));
  if (c.req.query('orderAsc') !== 'true') found.reverse();
  return Response.json(found.slice(offset, offset + limit));
}

function numberOf(c: AppContext, name: string, known: { default: number; min: number; max: number }): number {
  const text = c.req.query(name);
  if (text === undefined) return known.default;
  const number = /^\d{1,15}$/.test(text) ? Number(text) : -1;
  if (number < known.min || number > known.max) {
    throw new ApiError(400, `'${name}' has to be a whole number from ${known.min} to ${known.max}`);
  }
  return number;
}

function checkTypes(types: string[]): string[] {
  const unknown = types.find((type) => !TYPES.includes(type));
  if (unknown !== undefined) throw new ApiError(400, `there are no events '${unknown}': ${TYPES.join(', ')}`);
  return types;
}

function checkUrl(text: string): string {
  const url = URL.parse(text);
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url.href;
  throw new ApiError(400, `'url' has to be an address that begins with http:// or https://`);
}

function find(c: AppContext, webhooks: Webhooks): Webhook {
  const id = c.req.param('id') ?? '';
  const webhook = webhooks.get(id);
  if (!webhook) throw new ApiError(404, `webhook '${id}' not found`);
  return webhook;
}

/** Without its secret. */
function webhookJson({ id, name, url, enabled, events, createdAt }: Webhook): object {
  return { id, teamId: TEAM_ID, name, createdAt, enabled, url, events };
}

async function fieldsOf(c: AppContext): Promise<JsonFields> {
  return new JsonFields(await readJsonObject(c));
}
