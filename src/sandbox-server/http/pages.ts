import { ApiError } from '../wire/api-error.ts';
import type { AppContext } from './app-env.ts';

const MAX_PAGE = 100;

/** One page of a list in the order of its keys, and the header by which a client asks for the next. @throws ApiError 400 */
export function pageOf<T>(
  c: AppContext,
  items: T[],
  keyOf: (item: T) => string,
): { page: T[]; headers: Record<string, string> } {
  const ascending = readOrder(c.req.query('order')) === 'asc';
  const limit = readLimit(c.req.query('limit'));
  const token = c.req.query('nextToken');
  const after = token === undefined ? undefined : Buffer.from(token, 'base64url').toString('utf8');
  const rest = items
    .map((item) => ({ item, key: keyOf(item) }))
    .toSorted((a, b) => (a.key < b.key ? -1 : 1) * (ascending ? 1 : -1))
    .filter(({ key }) => after === undefined || (ascending ? key > after : key < after));
  const page = rest.slice(0, limit);
  const last = page.at(-1);
  const more = last && rest.length > page.length;
  return {
    page: page.map(({ item }) => item),
    headers: more ? { 'x-next-token': Buffer.from(last.key).toString('base64url') } : {},
  };
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
