import { ConnectFault } from '../wire/connect-fault.ts';
import { parseJson } from '../wire/connect-frames.ts';
import type { AppContext } from './app-env.ts';

/** Largest JSON body that is read into memory, in bytes. */
export const MAX_JSON_BYTES = 16 * 1024 * 1024;

/**
 * Reads a JSON object; an empty body counts as `{}`.
 * @throws ConnectFault `invalid_argument` · `resource_exhausted` for one over {@link MAX_JSON_BYTES}
 */
export async function readJsonObject(c: AppContext): Promise<Record<string, unknown>> {
  const text = await readText(c);
  const value = text.trim() === '' ? {} : parseJson(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ConnectFault('invalid_argument', 'the request has to be a JSON object');
  }
  return value as Record<string, unknown>;
}

async function readText(c: AppContext): Promise<string> {
  const declared = c.req.header('content-length');
  if (Number(declared ?? 0) > MAX_JSON_BYTES) throw tooLarge();
  if (declared !== undefined && c.req.header('content-encoding') === undefined) return c.req.text();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of bodyOf(c)) {
    bytes += chunk.length;
    if (bytes > MAX_JSON_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function tooLarge(): ConnectFault {
  return new ConnectFault('resource_exhausted', `a request may have at most ${MAX_JSON_BYTES} bytes of JSON`);
}

/** The body of a request as it arrives, unpacked where it is gzip. @throws ConnectFault for an unknown encoding */
export function bodyOf(c: AppContext): AsyncIterable<Uint8Array> {
  const body = c.req.raw.body as ReadableStream<Uint8Array<ArrayBuffer>> | null;
  if (!body) return emptyBody();
  const encoding = c.req.header('content-encoding') ?? 'identity';
  if (encoding === 'gzip') return unpacked(body);
  if (encoding !== 'identity') throw new ConnectFault('invalid_argument', `unknown encoding '${encoding}'`);
  return body;
}

async function* unpacked(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<Uint8Array> {
  try {
    yield* body.pipeThrough(new DecompressionStream('gzip'));
  } catch (cause) {
    throw new ConnectFault('canceled', 'the body was cut or is not gzip', { cause });
  }
}

async function* emptyBody(): AsyncGenerator<Uint8Array> {}
