import { ConnectFault } from './connect-fault.ts';

const MAX_PART_HEADER_BYTES = 16 * 1024;
const CRLF = Buffer.from('\r\n');
const BLANK_LINE = Buffer.from('\r\n\r\n');

/** A part of a form: its names and its bytes, to be read before the next part is asked for. */
export interface FormPart {
  name: string | undefined;
  filename: string | undefined;
  body: AsyncGenerator<Uint8Array>;
}

/** The boundary out of a multipart `Content-Type`. @throws ConnectFault `invalid_argument` */
export function multipartBoundary(contentType: string): string {
  const match = /;\s*boundary=(?:"([^"]{1,200})"|([^\s;"]{1,200}))/i.exec(contentType);
  const boundary = match?.[1] ?? match?.[2];
  if (boundary === undefined)
    throw new ConnectFault('invalid_argument', 'the multipart body names no boundary');
  return boundary;
}

/**
 * Reads `multipart/form-data` as it arrives; memory stays at a few chunks whatever the size of a part.
 * @throws ConnectFault `invalid_argument` where the form is malformed or cut.
 */
export async function* readForm(
  source: AsyncIterable<Uint8Array>,
  boundary: string,
): AsyncGenerator<FormPart> {
  const chunks = source[Symbol.asyncIterator]();
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  let pending: Buffer = CRLF; // the first delimiter has no line break before it

  const more = async (): Promise<void> => {
    const next = await chunks.next();
    if (next.done) throw new ConnectFault('invalid_argument', 'the multipart body was cut');
    pending = pending.length === 0 ? asBuffer(next.value) : Buffer.concat([pending, next.value]);
  };

  const readHeaders = async (): Promise<string | undefined> => {
    while (pending.length < 2) await more();
    if (pending.subarray(0, 2).toString('latin1') === '--') return undefined;
    for (;;) {
      const end = pending.indexOf(BLANK_LINE);
      if (end >= 0) {
        const headers = pending.toString('utf8', 0, end);
        pending = pending.subarray(end + BLANK_LINE.length);
        return headers;
      }
      if (pending.length > MAX_PART_HEADER_BYTES) {
        throw new ConnectFault('invalid_argument', 'the headers of a multipart part are too long');
      }
      await more();
    }
  };

  async function* readBody(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const end = pending.indexOf(delimiter);
      if (end >= 0) {
        const rest = pending.subarray(0, end);
        pending = pending.subarray(end + delimiter.length);
        if (rest.length > 0) yield rest;
        return;
      }
      const sure = pending.length - delimiter.length + 1;
      if (sure > 0) {
        const piece = pending.subarray(0, sure);
        pending = pending.subarray(sure);
        yield piece;
      }
      await more();
    }
  }

  for await (const preamble of readBody()) void preamble;
  for (;;) {
    const headers = await readHeaders();
    if (headers === undefined) break;
    const body = readBody();
    yield { ...partNames(headers), body };
    for await (const unread of body) void unread;
  }
  for (;;) if ((await chunks.next()).done) return;
}

function partNames(headers: string): { name: string | undefined; filename: string | undefined } {
  const disposition = /^content-disposition:(.*)$/im.exec(headers)?.[1] ?? '';
  const name = /;\s*name="([^"]*)"/i.exec(disposition)?.[1];
  const filename = /;\s*filename="((?:\\.|[^"\\])*)"/i.exec(disposition)?.[1];
  return { name: name && unescape(name), filename: filename && unescape(filename) };
}

/** Browsers and undici write a quote or line break as %22, %0D and %0A, others put a backslash before a quote. */
function unescape(value: string): string {
  return value.replace(/\\(["\\])/g, '$1').replace(/%(22|0D|0A)/gi, (escape) => decodeURIComponent(escape));
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
