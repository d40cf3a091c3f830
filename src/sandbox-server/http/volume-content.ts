import { Hono } from 'hono';

import type { GuestLink } from '../link/guest-link.ts';
import { GuestLostError } from '../link/guest-stream.ts';
import type { Volume } from '../volumes/volume-store.ts';
import type { Volumes } from '../volumes/volumes.ts';
import { ApiError, apiErrorResponse } from '../wire/api-error.ts';
import { ConnectFault, httpStatusOf } from '../wire/connect-fault.ts';
import { equalSecrets } from '../wire/equal-secrets.ts';
import { JsonFields } from '../wire/json-fields.ts';
import { volumeEntryJson } from '../wire/volume-entry.ts';
import type { AppContext, AppEnv } from './app-env.ts';
import { fileSource, readHead } from './file-download.ts';
import { sendBody } from './file-upload.ts';
import { bodyOf, readJsonObject } from './request-body.ts';
import { streamResponse } from './stream-response.ts';

const FULL = 507;

/** The content of volumes: files and folders, each volume opened by its own token. */
export function volumeContentRoutes(volumes: Volumes): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.onError((error) => {
    if (error instanceof ApiError) return apiErrorResponse(error.status, error.message);
    if (error instanceof GuestLostError)
      return apiErrorResponse(503, 'the volume was closed meanwhile; try again');
    const { code, message } = ConnectFault.from(error);
    return apiErrorResponse(code === 'resource_exhausted' ? FULL : httpStatusOf(code), message);
  });

  /** The volume that the request names, once its token has been shown. */
  const open = (c: AppContext): Volume => {
    const volume = volumes.store.get(c.req.param('id') ?? '');
    if (!volume) throw new ApiError(404, `volume '${c.req.param('id') ?? ''}' not found`);
    const token = /^Bearer (.+)$/i.exec(c.req.header('authorization') ?? '')?.[1];
    if (!equalSecrets(volume.token, token)) {
      throw new ApiError(401, token === undefined ? 'the token is missing' : 'the token is not valid');
    }
    return volume;
  };
  const call = async (c: AppContext, op: string, params: Record<string, unknown>): Promise<unknown> => {
    const work = (link: GuestLink): Promise<Record<string, unknown>> =>
      link.call(op, { ...params, path: pathOf(c) });
    return (await volumes.use(open(c), work))['entry'];
  };

  app.get('/volumecontent/:id/path', async (c) =>
    Response.json(volumeEntryJson(await call(c, 'volume.stat', {}))),
  );
  app.patch('/volumecontent/:id/path', async (c) => {
    open(c);
    const fields = new JsonFields(await readJsonObject(c));
    const wanted = Object.fromEntries(
      ['uid', 'gid', 'mode'].map((name) => [name, fields.optionalInteger(name)]),
    );
    return Response.json(volumeEntryJson(await call(c, 'volume.update', wanted)));
  });
  app.delete('/volumecontent/:id/path', async (c) => {
    if (/^[/.]*$/.test(pathOf(c)))
      throw new ApiError(400, 'the folder of the volume itself cannot be removed');
    await call(c, 'volume.remove', {});
    return new Response(null, { status: 204 });
  });
  app.get('/volumecontent/:id/dir', async (c) => {
    const params = { path: pathOf(c), depth: integerOf(c, 'depth') ?? 1 };
    const entries = await volumes.use(open(c), (link) => link.list('volume.list', 'entries', params));
    return Response.json(entries.map(volumeEntryJson));
  });
  app.post('/volumecontent/:id/dir', async (c) =>
    Response.json(volumeEntryJson(await call(c, 'volume.mkdir', madeAs(c))), { status: 201 }),
  );
  app.get('/volumecontent/:id/file', async (c) => {
    const volume = open(c);
    const path = pathOf(c);
    const held = volumes.hold(volume);
    try {
      const stream = (await held.link).open('volume.read', { path });
      const { size } = await readHead(stream);
      const headers = {
        'content-type': 'application/octet-stream',
        'content-length': String(size),
        'content-disposition': `attachment; filename*=UTF-8''${encodeURIComponent(path.split('/').pop() ?? '')}`,
      };
      const source = fileSource(stream, size);
      const close: typeof source.close = (how) => {
        held.release();
        source.close(how);
      };
      if (size > 0) return streamResponse(c, { pull: source.pull, close }, { headers });
      close('done');
      return new Response(null, { headers });
    } catch (error) {
      held.release();
      throw error;
    }
  });
  app.put('/volumecontent/:id/file', async (c) => {
    const volume = open(c);
    const params = { ...madeAs(c), path: pathOf(c), room: await volumes.roomIn(volume.id) };
    if (params.room <= 0) throw new ApiError(FULL, `the volume '${volume.name}' is full`);
    const { entry } = await volumes.use(volume, (link) =>
      sendBody(link.open('volume.write', params), bodyOf(c)),
    );
    const written = volumeEntryJson(entry) as { size: number };
    await volumes.noteWritten(volume.id, written.size);
    return Response.json(written, { status: 201 });
  });
  return app;
}

function pathOf(c: AppContext): string {
  const path = c.req.query('path');
  if (!path) throw new ApiError(400, `the query parameter 'path' is missing`);
  return path;
}

function madeAs(c: AppContext): Record<string, unknown> {
  const ids = Object.fromEntries(['uid', 'gid', 'mode'].map((name) => [name, integerOf(c, name)]));
  return { ...ids, force: c.req.query('force')?.toLowerCase() === 'true' };
}

function integerOf(c: AppContext, name: string): number | undefined {
  const text = c.req.query(name);
  if (text === undefined || text === '') return undefined;
  if (!/^\d{1,10}$/.test(text)) throw new ApiError(400, `'${name}' has to be a whole number, not '${text}'`);
  return Number(text);
}
