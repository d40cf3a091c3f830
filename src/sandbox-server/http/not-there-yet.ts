import { Hono } from 'hono';

import { apiErrorResponse } from '../wire/api-error.ts';
import type { AppEnv } from './app-env.ts';

/** Parts of E2B's control plane that this server does not have yet, with the name that its error gives each. */
const MISSING: [method: string, path: string, what: string][] = [
  ['all', '/volumes', 'volumes'],
  ['all', '/volumes/*', 'volumes'],
  ['all', '/volumecontent/*', 'volumes'],
  ['all', '/secrets', 'secrets'],
  ['all', '/secrets/*', 'secrets'],
];

/** Answers 501 and says what is missing, where E2B's cloud would do it. */
export function notThereYet(): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  for (const [method, path, what] of MISSING) {
    const refuse = (): Response => apiErrorResponse(501, `${what} is not supported by this server`);
    if (method === 'all') app.all(path, refuse);
    else app.on(method.toUpperCase(), path, refuse);
  }
  return app;
}
