import { Hono } from 'hono';

import type { Volume } from '../volumes/volume-store.ts';
import type { Volumes } from '../volumes/volumes.ts';
import { ApiError } from '../wire/api-error.ts';
import { JsonFields } from '../wire/json-fields.ts';
import type { AppContext, AppEnv } from './app-env.ts';
import { readJsonObject } from './request-body.ts';
import { domainOf } from './server-domain.ts';

/** Makes, finds, lists and removes volumes. */
export function volumeRoutes(volumes: Volumes): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.post('/volumes', async (c) => {
    const name = new JsonFields(await readJsonObject(c)).string('name');
    return Response.json(grant(c, volumes.store.create(name)), { status: 201 });
  });
  app.get('/volumes', () =>
    Response.json(volumes.store.all().map(({ id, name }) => ({ volumeID: id, name }))),
  );
  app.get('/volumes/:id', (c) => {
    const volume = volumes.store.get(c.req.param('id'));
    if (!volume) throw new ApiError(404, `volume '${c.req.param('id')}' not found`);
    return Response.json(grant(c, volume));
  });
  app.delete('/volumes/:id', (c) => {
    if (volumes.remove(c.req.param('id'))) return new Response(null, { status: 204 });
    throw new ApiError(404, `volume '${c.req.param('id')}' not found`);
  });
  return app;
}

/** With the domain, for a client that is not told of E2B_VOLUME_API_URL must not take the token to E2B's cloud. */
function grant(c: AppContext, { id, name, token }: Volume): object {
  return { volumeID: id, name, token, domain: domainOf(c) };
}
