import type { ServerResponse } from 'node:http';

import type { Context } from 'hono';

import type { Sandbox } from '../sandbox.ts';

/** What handlers find in a request's context. */
export interface AppEnv {
  Bindings: {
    /** Node's response where the request came over a port. */
    outgoing?: ServerResponse;
    /** The sandbox that the request names; there in every service of a sandbox, not in the control plane. */
    sandbox: Sandbox;
  };
}

/** A request as the handlers see it. */
export type AppContext = Context<AppEnv>;
