import type { Sandbox } from '../sandbox.ts';
import type { Sandboxes } from '../sandboxes.ts';
import { apiErrorResponse } from '../wire/api-error.ts';
import { verifyFileGrant, type FileGrant } from '../wire/signature.ts';
import type { AppContext } from './app-env.ts';
import { readFiles, writeFiles } from './guest-daemon.ts';

/** `/files` by a signed URL, which names no sandbox: the signature tells whose it is. */
export async function signedFiles(c: AppContext, sandboxes: Sandboxes): Promise<Response> {
  const operation = c.req.method === 'POST' ? 'write' : 'read';
  const sandbox = ownerOf(c, sandboxes, operation);
  if (typeof sandbox === 'string') return apiErrorResponse(401, sandbox);
  c.env = { ...c.env, sandbox };
  return operation === 'write' ? writeFiles(c) : readFiles(c);
}

function ownerOf(c: AppContext, sandboxes: Sandboxes, operation: FileGrant['operation']): Sandbox | string {
  const signature = c.req.query('signature');
  const expiration = c.req.query('signature_expiration');
  if (signature === undefined) return 'the signature is missing';
  if (expiration !== undefined && !/^\d{1,15}$/.test(expiration)) return 'signature_expiration is not a time';
  const expiresAt = expiration === undefined ? undefined : Number(expiration);
  const grant: FileGrant = {
    path: c.req.query('path') ?? '',
    operation,
    user: c.req.query('username') ?? '',
    expiresAt,
  };
  const owner = sandboxes.all().find((sandbox) => verifyFileGrant(grant, sandbox.accessToken, signature));
  if (!owner) return 'the signature is not valid';
  if (expiresAt !== undefined && expiresAt * 1000 < Date.now()) return 'signature is already expired';
  return owner;
}
