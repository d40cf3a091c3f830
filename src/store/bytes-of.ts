/** A stream's chunks as bytes, texts in UTF-8. */
export async function* bytesOf(stream: AsyncIterable<Uint8Array | string>): AsyncGenerator<Buffer> {
  // Half of a character that a program has cut in two.
  let half = '';
  for await (const chunk of stream) {
    if (typeof chunk !== 'string') {
      yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      continue;
    }
    const text = half + chunk;
    half = /[\uD800-\uDBFF]$/.exec(text)?.[0] ?? '';
    yield Buffer.from(half === '' ? text : text.slice(0, -1));
  }
  yield Buffer.from(half);
}
