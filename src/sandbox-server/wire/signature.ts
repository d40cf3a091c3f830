import { createHash } from 'node:crypto';

import { equalSecrets } from './equal-secrets.ts';

/** What a signed file URL grants. */
export interface FileGrant {
  path: string;
  operation: 'read' | 'write';
  /** Empty where the URL names nobody. */
  user: string;
  /** Unix time in seconds; undefined for a URL that does not expire. */
  expiresAt: number | undefined;
}

/** The signature of a file URL as E2B's SDK makes it: `v1_` and unpadded base64 of a SHA-256. */
export function signFileGrant(grant: FileGrant, accessToken: string): string {
  const expiry = grant.expiresAt === undefined ? '' : `:${grant.expiresAt}`;
  const text = `${grant.path}:${grant.operation}:${grant.user}:${accessToken}${expiry}`;
  return `v1_${createHash('sha256').update(text).digest('base64').replace(/=+$/, '')}`;
}

/** True where the signature is this token's; whether it has expired is for the caller. */
export function verifyFileGrant(grant: FileGrant, accessToken: string, signature: string): boolean {
  return equalSecrets(signFileGrant(grant, accessToken), signature);
}
