import { Hono } from 'hono';

import type { Image, ImageStore } from '../images/image-store.ts';
import type { AppEnv } from './app-env.ts';
import { pageOf } from './pages.ts';

/** Lists snapshots. */
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
  return app;
}

/** What a client is told of a snapshot. */
export function snapshotJson(image: Image): object {
  return { snapshotID: image.id, names: image.names };
}
