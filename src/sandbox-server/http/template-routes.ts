import { createHmac, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';

import { Hono } from 'hono';

import { DEFAULT_TAG, type Image, type ImageStore } from '../images/image-store.ts';
import { readBuildSpec } from '../templates/build-spec.ts';
import type { Builds } from '../templates/builds.ts';
import { storeUpload } from '../templates/upload.ts';
import { ApiError } from '../wire/api-error.ts';
import { equalSecrets } from '../wire/equal-secrets.ts';
import { JsonFields } from '../wire/json-fields.ts';
import type { AppContext, AppEnv } from './app-env.ts';
import { checkImageName } from './image-name.ts';
import { ENVD_VERSION } from './sandbox-json.ts';
import { pageOf } from './pages.ts';
import { bodyOf, readJsonObject } from './request-body.ts';

const MAX_LOG_PAGE = 100;

/** What the routes of templates work on. */
export interface TemplateRoutesDeps {
  images: ImageStore;
  builds: Builds;
  /** Names of the templates that the server was started with. */
  templateNames: string[];
  /** Memory of a sandbox, in MiB. */
  memoryMb: number;
}

/** Lists, builds, tags and removes templates. `upload` is to be reached without the API key: its address is signed. */
export function templateRoutes({ images, builds, templateNames, memoryMb }: TemplateRoutesDeps): {
  routes: Hono<AppEnv>;
  upload: Hono<AppEnv>;
} {
  const secret = randomBytes(32);
  const tokenOf = (path: string): string => createHmac('sha256', secret).update(path).digest('hex');

  const routes = new Hono<AppEnv>();
  routes.post('/v3/templates', async (c) => {
    const fields = await fieldsOf(c);
    const [name = '', tag] = checkImageName(fields.optionalString('name') ?? fields.string('alias')).split(
      ':',
    );
    const tags = [...new Set([...(tag === undefined ? [] : [tag]), ...fields.strings('tags')])];
    for (const each of tags) checkImageName(`${name}:${each}`);
    if (templateNames.includes(name)) {
      throw new ApiError(409, `'${name}' is a template that the server was started with: take another name`);
    }
    const { id, templateId, tags: all } = builds.request(name, tags);
    const body = {
      templateID: templateId,
      buildID: id,
      public: false,
      aliases: [name],
      names: [name],
      tags: all,
    };
    return Response.json(body, { status: 202 });
  });
  routes.get('/templates/:id/files/:hash', (c) => {
    const hash = checkHash(c.req.param('hash'));
    if (existsSync(builds.uploadOf(hash))) return Response.json({ present: true }, { status: 201 });
    const path = c.req.path;
    const url = `${new URL(c.req.url).origin}${path}?token=${tokenOf(path)}`;
    return Response.json({ present: false, url }, { status: 201 });
  });
  routes.post('/v2/templates/:id/builds/:build', async (c) => {
    const spec = readBuildSpec(await fieldsOf(c));
    builds.start(c.req.param('id'), c.req.param('build'), spec);
    return Response.json({}, { status: 202 });
  });
  routes.get('/templates/:id/builds/:build/status', (c) => {
    const build = builds.get(c.req.param('id'), c.req.param('build'));
    const offset = Number(c.req.query('logsOffset') ?? 0) || 0;
    const logEntries = build.log.slice(offset, offset + MAX_LOG_PAGE);
    return Response.json({
      templateID: build.templateId,
      buildID: build.id,
      status: build.status,
      logEntries,
      logs: logEntries.map(({ message }) => message),
      ...(build.reason && { reason: { ...build.reason, logEntries: build.log.slice(-MAX_LOG_PAGE) } }),
    });
  });

  routes.get('/templates', () =>
    Response.json(newestBuilds(images).map((image) => templateJson(image, memoryMb))),
  );
  routes.get('/v2/templates', (c) => {
    const { page, headers } = pageOf(c, newestBuilds(images), ({ createdAt, id }) => `${createdAt} ${id}`);
    return Response.json(
      page.map((image) => templateJson(image, memoryMb)),
      { headers },
    );
  });
  routes.get('/templates/aliases/:alias', (c) => {
    const alias = c.req.param('alias');
    if (templateNames.includes(alias)) return Response.json({ templateID: alias, public: true });
    return Response.json({ templateID: templateOf(images, alias).templateId, public: false });
  });
  routes.post('/templates/tags', async (c) => {
    const fields = await fieldsOf(c);
    const image = templateOf(images, fields.string('target'));
    const name = baseName(image);
    const tags = fields.strings('tags');
    const names = tags.map((tag) => checkImageName(`${name}:${tag}`));
    images.update({ ...image, names: [...new Set([...image.names, ...names])] });
    return Response.json({ buildID: image.id, tags }, { status: 201 });
  });
  routes.delete('/templates/tags', async (c) => {
    const fields = await fieldsOf(c);
    const name = fields.string('name').split(':')[0] ?? '';
    for (const tag of fields.strings('tags')) {
      const image = images.all().find((each) => each.names.includes(`${name}:${tag}`));
      if (!image) throw new ApiError(404, `template '${name}' has no tag '${tag}'`);
      images.update({ ...image, names: image.names.filter((each) => each !== `${name}:${tag}`) });
    }
    return new Response(null, { status: 204 });
  });
  routes.get('/templates/:id/tags', (c) => {
    const { templateId } = templateOf(images, c.req.param('id'));
    const found = images.all().filter((image) => image.templateId === templateId);
    const tags = found.flatMap((image) => image.names.map((name) => tagJson(image, name)));
    return Response.json(tags);
  });
  routes.delete('/templates/:id', (c) => {
    // A snapshot is removed by this, too.
    const image = imageOf(images, c.req.param('id'));
    const { templateId } = image;
    const all =
      templateId === undefined ? [image] : images.all().filter((each) => each.templateId === templateId);
    for (const each of all) images.remove(each.id);
    return new Response(null, { status: 204 });
  });

  const upload = new Hono<AppEnv>();
  upload.put('/templates/:id/files/:hash', async (c) => {
    const hash = checkHash(c.req.param('hash'));
    if (!equalSecrets(tokenOf(c.req.path), c.req.query('token'))) {
      throw new ApiError(401, 'the address of the upload is not signed by this server');
    }
    await storeUpload(bodyOf(c), builds.uploadOf(hash));
    return new Response(null, { status: 200 });
  });
  return { routes, upload };
}

function templateOf(images: ImageStore, name: string): Image {
  const image = imageOf(images, name);
  if (image.kind === 'template') return image;
  throw new ApiError(404, `template '${name}' not found`);
}

function imageOf(images: ImageStore, name: string): Image {
  // A template that has no default tag is there too, though no sandbox can be made of its bare name.
  const image =
    images.find(name) ?? images.all().find((each) => each.kind === 'template' && baseName(each) === name);
  if (image) return image;
  throw new ApiError(404, `template '${name}' not found`);
}

function baseName(image: Image): string {
  return image.names[0]?.split(':')[0] ?? image.templateId ?? image.id;
}

function tagOf(name: string): string {
  return name.split(':')[1] ?? DEFAULT_TAG;
}

function tagJson(image: Image, name: string): object {
  return { tag: tagOf(name), buildID: image.id, createdAt: image.createdAt };
}

/** The newest build of each template. */
function newestBuilds(images: ImageStore): Image[] {
  const newest = new Map<string, Image>();
  for (const image of images.all()) {
    const { templateId } = image;
    if (templateId !== undefined && !newest.has(templateId)) newest.set(templateId, image);
  }
  return [...newest.values()];
}

function templateJson(image: Image, memoryMb: number): object {
  return {
    templateID: image.templateId,
    buildID: image.id,
    names: [baseName(image)],
    aliases: [baseName(image)],
    tags: image.names.map(tagOf),
    public: false,
    buildStatus: 'ready',
    buildCount: 1,
    spawnCount: 0,
    lastSpawnedAt: null,
    createdBy: null,
    cpuCount: availableParallelism(),
    memoryMB: memoryMb,
    diskSizeMB: Math.ceil(image.bytes / 1024 ** 2),
    envdVersion: ENVD_VERSION,
    createdAt: image.createdAt,
    updatedAt: image.createdAt,
  };
}

function checkHash(hash: string): string {
  if (/^[a-z0-9]{16,128}$/i.test(hash)) return hash;
  throw new ApiError(400, `'${hash.slice(0, 200)}' is no hash of files`);
}

async function fieldsOf(c: AppContext): Promise<JsonFields> {
  return new JsonFields(await readJsonObject(c));
}
