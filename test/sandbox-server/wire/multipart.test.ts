import { expect, test } from 'vitest';

import { multipartBoundary, readForm } from '../../../src/sandbox-server/wire/multipart.ts';

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function readAll(
  bytes: Uint8Array,
  boundary: string,
  size: number,
): Promise<[string | undefined, string][]> {
  const parts: [string | undefined, string][] = [];
  for await (const part of readForm(inPieces(bytes, size), boundary)) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of part.body) chunks.push(chunk);
    parts.push([part.filename, Buffer.concat(chunks).toString('latin1')]);
  }
  return parts;
}

async function encoded(form: FormData): Promise<{ bytes: Uint8Array; boundary: string }> {
  const request = new Request('http://localhost/', { method: 'POST', body: form });
  const boundary = multipartBoundary(request.headers.get('content-type') ?? '');
  return { bytes: new Uint8Array(await request.arrayBuffer()), boundary };
}

test('forms as fetch writes them come back whole, however they are cut', async () => {
  const form = new FormData();
  const awkward = '\r\n--\r\n------WebKit\r\n\r\n\u0000\u0001 end\r';
  form.append('file', new Blob([Buffer.from(awkward, 'latin1')]), '/home/user/a "b".txt');
  form.append('file', new Blob([]), 'empty');
  form.append('file', new Blob(['x'.repeat(5000)]), 'ü.txt');
  const { bytes, boundary } = await encoded(form);
  for (const size of [1, 3, 64, 100_000]) {
    expect(await readAll(bytes, boundary, size)).toEqual([
      ['/home/user/a "b".txt', awkward],
      ['empty', ''],
      ['ü.txt', 'x'.repeat(5000)],
    ]);
  }
});

test('parts that nobody reads are skipped', async () => {
  const form = new FormData();
  form.append('other', 'x'.repeat(1000));
  form.append('file', new Blob(['yes']), 'f');
  const { bytes, boundary } = await encoded(form);
  const names: (string | undefined)[] = [];
  for await (const part of readForm(inPieces(bytes, 50), boundary)) names.push(part.name);
  expect(names).toEqual(['other', 'file']);
});

test('a form that is cut is an error, not a short file', async () => {
  const form = new FormData();
  form.append('file', new Blob(['x'.repeat(1000)]), 'f');
  const { bytes, boundary } = await encoded(form);
  await expect(readAll(bytes.subarray(0, bytes.length - 20), boundary, 100)).rejects.toThrow('cut');
  await expect(readAll(bytes.subarray(0, 500), boundary, 100)).rejects.toThrow('cut');
});

test('endless headers and a missing boundary are refused', async () => {
  await expect(readAll(Buffer.from(`--b\r\nX: ${'y'.repeat(40_000)}`), 'b', 1000)).rejects.toThrow(
    'too long',
  );
  expect(() => multipartBoundary('multipart/form-data')).toThrow('boundary');
});
