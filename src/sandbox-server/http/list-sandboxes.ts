import type { Sandbox } from '../sandbox.ts';
import { ApiError } from '../wire/api-error.ts';
import { parseMetadataQuery } from '../wire/metadata-query.ts';
import type { AppContext } from './app-env.ts';
import { sandboxSummary } from './sandbox-json.ts';

const MAX_PAGE = 100;

/** `GET /v2/sandboxes`: filters by metadata, state, template and start, in pages. @throws ApiError 400 */
export function listSandboxes(c: AppContext, all: Sandbox[]): Response {
  const wanted = Object.entries(parseMetadataQuery(c.req.query('metadata')));
  const states = c.req.query('state')?.split(',') ?? ['running', 'paused'];
  const template = c.req.query('template');
  const startedAfter = readTime(c.req.query('startedAfter'));
  const ascending = readOrder(c.req.query('order')) === 'asc';
  const limit = readLimit(c.req.query('limit'));
  const token = c.req.query('nextToken');

  const found = all
    .filter((sandbox) => states.includes('running') && sandbox.startedAt.getTime() >= startedAfter)
    .filter(
      (sandbox) => !template || template === sandbox.template || template === sandbox.request.templateId,
    )
    .filter((sandbox) => wanted.every(([key, value]) => sandbox.request.metadata[key] === value))
    .map((sandbox) => ({ sandbox, key: pageKey(sandbox) }))
    .toSorted((a, b) => (a.key < b.key ? -1 : 1) * (ascending ? 1 : -1));
  const after = token === undefined ? undefined : Buffer.from(token, 'base64url').toString('utf8');
  const rest =
    after === undefined ? found : found.filter(({ key }) => (ascending ? key > after : key < after));
  const page = rest.slice(0, limit);
  const last = page.at(-1);
  const headers: Record<string, string> = { 'x-total-running': String(found.length) };
  if (last && rest.length > page.length)
    headers['x-next-token'] = Buffer.from(last.key).toString('base64url');
  return Response.json(
    page.map(({ sandbox }) => sandboxSummary(sandbox)),
    { headers },
  );
}

/** Where a sandbox stands in the order of pages: by start, then by id. */
function pageKey(sandbox: Sandbox): string {
  return `${sandbox.startedAt.toISOString()} ${sandbox.id}`;
}

function readTime(text: string | undefined): number {
  if (text === undefined) return 0;
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw new ApiError(400, `'startedAfter' is not a time: ${text}`);
  return time;
}

function readOrder(text: string | undefined): 'asc' | 'desc' {
  if (text === undefined || text === 'desc') return 'desc';
  if (text === 'asc') return 'asc';
  throw new ApiError(400, `'order' is asc or desc, not ${text}`);
}

function readLimit(text: string | undefined): number {
  if (text === undefined) return MAX_PAGE;
  const limit = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (limit < 1) throw new ApiError(400, `'limit' has to be a whole number from 1, not ${text}`);
  return Math.min(limit, MAX_PAGE);
}
