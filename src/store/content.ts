import type { Content } from '../domain/blob.ts';
import type { Store } from './store.ts';

/** Content up to this size travels inside the payload, in bytes. */
export const INLINE_LIMIT_BYTES = 16 * 1024;

/** Wraps bytes or a text for a payload: inline up to `inlineLimit` bytes (default 16 KiB), else in the store. */
export async function toContent(
  bytes: Uint8Array | string,
  store: Store,
  inlineLimit = INLINE_LIMIT_BYTES,
): Promise<Content> {
  const size = typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.byteLength;
  if (size > inlineLimit) return { blob: await store.put(bytes) };
  return typeof bytes === 'string' ? { text: bytes } : { base64: Buffer.from(bytes).toString('base64') };
}

/** The bytes of a content. Throws `StoreError` where they are gone or damaged. */
export async function fromContent(content: Content, store: Store): Promise<Uint8Array> {
  if ('text' in content) return Buffer.from(content.text);
  if ('base64' in content) return Buffer.from(content.base64, 'base64');
  return store.get(content.blob);
}

/** The same as a text (UTF-8), without a byte order mark. */
export async function textOfContent(content: Content, store: Store): Promise<string> {
  const text =
    'text' in content ? content.text : Buffer.from(await fromContent(content, store)).toString('utf8');
  return text.replace(/^\uFEFF/, '');
}
