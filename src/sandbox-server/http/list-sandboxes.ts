import type { Sandbox } from '../sandbox.ts';
import { ApiError } from '../wire/api-error.ts';
import { parseMetadataQuery } from '../wire/metadata-query.ts';
import type { AppContext } from './app-env.ts';
import { pageOf } from './pages.ts';
import { sandboxSummary, stateOf } from './sandbox-json.ts';

/** `GET /v2/sandboxes`: filters by metadata, state, template and start, in pages. @throws ApiError 400 */
export function listSandboxes(c: AppContext, all: Sandbox[]): Response {
  const wanted = Object.entries(parseMetadataQuery(c.req.query('metadata')));
  const states = c.req.query('state')?.split(',') ?? ['running', 'paused'];
  const template = c.req.query('template');
  const startedAfter = readTime(c.req.query('startedAfter'));

  const found = all
    .filter((sandbox) => states.includes(stateOf(sandbox)) && sandbox.startedAt.getTime() >= startedAfter)
    .filter(
      (sandbox) => !template || template === sandbox.template || template === sandbox.request.templateId,
    )
    .filter((sandbox) => wanted.every(([key, value]) => sandbox.request.metadata[key] === value));
  // In the order of their starts.
  const { page, headers } = pageOf(c, found, ({ startedAt, id }) => `${startedAt.toISOString()} ${id}`);
  const running = found.filter((sandbox) => sandbox.state === 'running').length;
  return Response.json(page.map(sandboxSummary), {
    headers: { ...headers, 'x-total-running': String(running) },
  });
}

function readTime(text: string | undefined): number {
  if (text === undefined) return 0;
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw new ApiError(400, `'startedAfter' is not a time: ${text}`);
  return time;
}
