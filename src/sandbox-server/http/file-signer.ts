import type { Sandbox } from '../sandbox.ts';
import { verifyFileGrant, type FileGrant } from '../wire/signature.ts';
import type { AppContext } from './app-env.ts';

/** Whose signature a request carries, of these sandboxes; else what is wrong with it. */
export function signerOf(c: AppContext, sandboxes: Sandbox[]): Sandbox | string {
  const signature = c.req.query('signature');
  const expiration = c.req.query('signature_expiration');
  if (signature === undefined) return 'the signature is missing';
  if (expiration !== undefined && !/^\d{1,15}$/.test(expiration)) return 'signature_expiration is not a time';
  const expiresAt = expiration === undefined ? undefined : Number(expiration);
  const grant: FileGrant = {
    path: c.req.query('path') ?? '',
    operation: c.req.method === 'POST' ? 'write' : 'read',
    user: c.req.query('username') ?? '',
    expiresAt,
  };
  const owner = sandboxes.find((sandbox) => verifyFileGrant(grant, sandbox.accessToken, signature));
  if (!owner) return 'the signature is not valid';
  if (expiresAt !== undefined && expiresAt * 1000 < Date.now()) return 'signature is already expired';
  return owner;
}
