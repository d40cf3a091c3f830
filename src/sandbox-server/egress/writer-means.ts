import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';

import type { SecretStore } from '../secrets/secret-store.ts';
import type { CertificateAuthority } from './certificate-authority.ts';
import type { WriterMeans } from './header-writer.ts';

/** What header writers need, each part made with its first use. @param trusted certificates as PEM, beside those that Node takes for good */
export function writerMeans(secrets: SecretStore, trusted: string | undefined): WriterMeans {
  let authority: Promise<CertificateAuthority> | undefined;
  let context: SecureContext | undefined;
  return {
    // Loaded here: a server without rules needs none of it.
    authority: () =>
      (authority ??= import('./certificate-authority.ts').then((module) =>
        module.CertificateAuthority.make(),
      )),
    trusted: () =>
      (context ??= createSecureContext(
        trusted === undefined ? {} : { ca: [...getCACertificates('default'), trusted] },
      )),
    secretOf: (name) => secrets.valueOf(name),
  };
}
