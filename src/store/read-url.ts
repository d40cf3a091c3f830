import { basename, dirname } from 'node:path/posix';
import type { Readable } from 'node:stream';
import { Operator, RetryLayer } from 'opendal';
import { StoreError } from './store-error.ts';
import { parseStoreUrl } from './store-url.ts';

/**
 * One file by its URL, with flat memory: `s3|gs|azblob://BUCKET/PATH?endpoint=…&region=…`, with the credentials of the environment. Throws
 * StoreError.
 */
export async function readUrl(url: string): Promise<Readable> {
  const { scheme, options } = parseStoreUrl(url);
  const { root = '/', ...rest } = options;
  const name = basename(root);
  if (name === '') throw new StoreError('bad-url', `${url} names no file`);
  try {
    const operator = new Operator(scheme, { ...rest, root: dirname(root) }).layer(new RetryLayer().build());
    await operator.stat(name);
    return (await operator.reader(name)).createReadStream();
  } catch (error) {
    throw StoreError.from(error, `read ${url}`);
  }
}
