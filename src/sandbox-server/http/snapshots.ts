import { Hono } from 'hono';

import type { Image, ImageStore } from '../images/image-store.ts';
import { ApiError, apiErrorResponse } from '../wire/api-error.ts';
import type { AppEnv } from './app-env.ts';
import { pageOf } from './pages.ts';

/** Lists snapshots and removes images, snapshots and templates alike. */
export function snapshotRoutes(images: ImageStore): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.get('/snapshots', (c) => {
    const { sandboxID: sandboxId, name } = c.req.query();
    const found = images
      .all()
      .filter((image) => image.kind === 'snapshot')
      .filter((image) => sandboxId === undefined || image.sandboxId === sandboxId)
      .filter((image) => name === undefined || image.id === name || image.names.includes(name));
    const { page, headers } = pageOf(c, found, ({ createdAt, id }) => `${createdAt} ${id}`);
    return Response.json(page.map(snapshotJson), { headers });
  });
  app.delete('/templates/:id', (c) => {
    const image = images.find(c.req.param('id'));
    if (!image) return apiErrorResponse(404, `template '${c.req.param('id')}' not found`);
    images.remove(image.id);
    return new Response(null, { status: 204 });
  });
  return app;
}

/** What a client is told of a snapshot. */
export function snapshotJson(image: Image): object {
  return { snapshotID: image.id, names: image.names };
}

/** A name that an image may have: letters, digits and `-_.`, perhaps with a tag behind `:`. @throws ApiError 400 */
export function checkImageName(name: string): string {
  if (/^[a-z0-9][a-z0-9_.-]{0,127}(:[a-z0-9_.-]{1,64})?$/i.test(name)) return name;
  throw new ApiError(
    400,
    `'${name.slice(0, 200)}' is no name for an image: use letters, digits, '-', '_' and '.'`,
  );
}
