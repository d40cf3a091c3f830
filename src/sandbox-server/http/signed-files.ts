import type { Sandboxes } from '../sandboxes.ts';
import { apiErrorResponse } from '../wire/api-error.ts';
import type { AppContext } from './app-env.ts';
import { signerOf } from './file-signer.ts';
import { readFiles, writeFiles } from './guest-daemon.ts';

/** `/files` by a signed URL, which names no sandbox: the signature tells whose it is. */
export async function signedFiles(c: AppContext, sandboxes: Sandboxes): Promise<Response> {
  const sandbox = signerOf(c, sandboxes.all());
  if (typeof sandbox === 'string') return apiErrorResponse(401, sandbox);
  c.env = { ...c.env, sandbox };
  return c.req.method === 'POST' ? writeFiles(c, sandboxes) : readFiles(c);
}
