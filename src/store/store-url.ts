import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { StoreError } from './store-error.ts';

/** An OpenDAL service and its options. */
export interface StorageService {
  scheme: 'fs' | 'memory' | 's3' | 'gcs' | 'azblob';
  options: Record<string, string>;
}

const SCHEMES: Record<string, { scheme: StorageService['scheme']; bucket: string }> = {
  's3:': { scheme: 's3', bucket: 'bucket' },
  'gs:': { scheme: 'gcs', bucket: 'bucket' },
  'gcs:': { scheme: 'gcs', bucket: 'bucket' },
  'azblob:': { scheme: 'azblob', bucket: 'container' },
};

/**
 * Reads a store URL: a folder (`/var/assay`, `./data`, `file:///var/assay`), `memory://`, or
 * `s3|gs|azblob://BUCKET/PREFIX?endpoint=…&region=…`. Other query parameters are OpenDAL's options for the service.
 * Throws `StoreError` with code `bad-url`.
 */
export function parseStoreUrl(url: string): StorageService {
  if (url.trim() === '') throw new StoreError('bad-url', 'The store URL is empty');
  if (!/^[a-z][a-z0-9+.-]+:/i.test(url)) return folder(resolve(url));
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch (cause) {
    throw new StoreError('bad-url', `The store URL ${url} is not a URL`, { cause });
  }
  if (parsed.protocol === 'file:') return folder(fromFileUrl(parsed));
  if (parsed.protocol === 'memory:') return { scheme: 'memory', options: {} };
  const service = SCHEMES[parsed.protocol];
  if (!service)
    throw new StoreError(
      'bad-url',
      `The store URL begins with ${parsed.protocol}, which is not known; use a folder, s3:, gs:, azblob: or memory:`,
    );
  if (parsed.username || parsed.password || [...parsed.searchParams.keys()].some(isSecret))
    throw new StoreError(
      'bad-url',
      'The store URL holds credentials; give them through the environment instead',
    );
  if (!parsed.hostname) throw new StoreError('bad-url', `The store URL ${url} names no ${service.bucket}`);
  return {
    scheme: service.scheme,
    options: {
      ...Object.fromEntries(parsed.searchParams),
      [service.bucket]: parsed.hostname,
      root: decodeURIComponent(parsed.pathname) || '/',
    },
  };
}

function folder(root: string): StorageService {
  return { scheme: 'fs', options: { root, atomic_write_dir: `${root}/tmp` } };
}

function fromFileUrl(url: URL): string {
  try {
    return fileURLToPath(url);
  } catch (cause) {
    throw new StoreError('bad-url', `The store URL ${url} must be file:///ABSOLUTE/PATH`, { cause });
  }
}

const isSecret = (name: string) => /secret|password|token|(^|_)key|credential/i.test(name);
