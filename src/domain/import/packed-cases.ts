import { Buffer } from 'node:buffer';
import { inflateSync } from 'node:zlib';

/** Most bytes of one task's cases. The largest of LiveCodeBench have some 100 MB. */
const MOST_BYTES = 512 * 1024 * 1024;

const STOP = 0x2e;
/** Instructions that give a text, with the width of its length in bytes. */
const TEXTS: Record<number, number> = { 0x8c: 1, 0x58: 4, 0x8d: 8 };
/** Instructions that change nothing here (protocol, frame, memo), with the bytes that follow each. */
const ASIDE: Record<number, number> = { 0x80: 1, 0x95: 8, 0x94: 0, 0x71: 1, 0x72: 4 };

/**
 * The text that LiveCodeBench has packed: base64 of zlib of a pickle that is one text. Undefined where it is anything else: no instruction of
 * pickle is followed but those of a single text, so that nothing in it is run.
 */
export function unpackText(packed: string): string | undefined {
  let bytes: Buffer;
  try {
    bytes = inflateSync(Buffer.from(packed, 'base64'), { maxOutputLength: MOST_BYTES });
  } catch {
    return undefined;
  }
  let text: string | undefined;
  let at = 0;
  /** Moves on by a number of `width` bytes and gives it. */
  const number = (width: number): number => {
    if (at + width > bytes.length) throw new RangeError('it ends in the middle');
    const value = width === 8 ? Number(bytes.readBigUInt64LE(at)) : bytes.readUIntLE(at, width);
    at += width;
    return value;
  };
  try {
    for (;;) {
      const code = number(1);
      const textWidth = TEXTS[code];
      if (code === STOP) return at === bytes.length ? text : undefined;
      else if (textWidth !== undefined && text === undefined) {
        const length = number(textWidth);
        if (at + length > bytes.length) return undefined;
        text = bytes.toString('utf8', at, at + length);
        at += length;
      } else if (code in ASIDE) at += ASIDE[code]!;
      else return undefined;
    }
  } catch {
    return undefined;
  }
}
