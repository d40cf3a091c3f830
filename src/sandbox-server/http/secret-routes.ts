import { Hono } from 'hono';

import type { Secret, SecretStore } from '../secrets/secret-store.ts';
import { ApiError } from '../wire/api-error.ts';
import { JsonFields } from '../wire/json-fields.ts';
import type { AppContext, AppEnv } from './app-env.ts';
import { pageOf } from './pages.ts';
import { readJsonObject } from './request-body.ts';

/** Makes, finds, lists, changes and removes secrets. No answer has a value in it. */
export function secretRoutes(secrets: SecretStore): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.post('/secrets', async (c) => {
    const fields = await fieldsOf(c);
    const made = secrets.create(fields.string('name'), fields.string('value'), fields.stringMap('metadata'));
    return Response.json(secretJson(made), { status: 201 });
  });
  app.get('/secrets', (c) => {
    const { page, headers } = pageOf(c, secrets.all(), ({ createdAt, id }) => `${createdAt} ${id}`);
    return Response.json(page.map(secretJson), { headers });
  });
  app.get('/secrets/:id', (c) => {
    const secret = secrets.find(c.req.param('id'));
    if (!secret) throw new ApiError(404, `secret '${c.req.param('id')}' not found`);
    return Response.json(secretJson(secret));
  });
  app.post('/secrets/:id', async (c) => {
    const fields = await fieldsOf(c);
    const metadata = fields.object('metadata') && fields.stringMap('metadata');
    return Response.json(secretJson(secrets.update(c.req.param('id'), fields.string('value'), metadata)));
  });
  app.delete('/secrets/:id', (c) => {
    if (secrets.remove(c.req.param('id'))) return new Response(null, { status: 204 });
    throw new ApiError(404, `secret '${c.req.param('id')}' not found`);
  });
  return app;
}

function secretJson({ id, name, version, metadata, createdAt, updatedAt }: Secret): object {
  return { secretID: id, name, currentVersion: version, metadata, createdAt, updatedAt };
}

async function fieldsOf(c: AppContext): Promise<JsonFields> {
  return new JsonFields(await readJsonObject(c));
}
