import type { AppContext } from './app-env.ts';

/** The domain under which `PORT-ID.domain` reaches this server; on the machine itself every name under localhost does. */
export function domainOf(c: AppContext): string | undefined {
  const host = /^(?:127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.exec(new URL(c.req.url).host);
  return host ? `localhost${host[1] ?? ''}` : undefined;
}
