import { getSignature } from 'e2b';
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { parseBasicUser } from '../../../src/sandbox-server/wire/basic-user.ts';
import { parseByteRange } from '../../../src/sandbox-server/wire/byte-range.ts';
import { equalSecrets } from '../../../src/sandbox-server/wire/equal-secrets.ts';
import { parseMetadataQuery } from '../../../src/sandbox-server/wire/metadata-query.ts';
import { MAX_LINE_BYTES, ndjsonLine, outputLines } from '../../../src/sandbox-server/wire/ndjson.ts';
import { parseKeepaliveMs, parseTimeoutMs } from '../../../src/sandbox-server/wire/parse-timeout.ts';
import { verifyFileGrant } from '../../../src/sandbox-server/wire/signature.ts';

test('output of any characters comes back whole, in short lines of ASCII', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 9000 }), (text) => {
      const lines = outputLines('stdout', text, '2026-01-01T00:00:00.000Z').split('\n').slice(0, -1);
      for (const line of lines) {
        expect(line.length).toBeLessThanOrEqual(MAX_LINE_BYTES);
        expect(line).toMatch(/^[\x20-\x7e]+$/);
      }
      expect(lines.map((line) => (JSON.parse(line) as { text: string }).text).join('')).toBe(text);
    }),
    { numRuns: 60 },
  );
});

test('a line never has a line break of its own', () => {
  expect(ndjsonLine({ text: 'a\nb\u2028c' })).toBe('{"text":"a\\nb\\u2028c"}\n');
});

test.each([
  ['bytes=0-3', { offset: 0, length: 4 }],
  ['bytes=4-', { offset: 4, length: 6 }],
  ['bytes=-3', { offset: 7, length: 3 }],
  ['bytes=-30', { offset: 0, length: 10 }],
  ['bytes=8-99', { offset: 8, length: 2 }],
  ['bytes=10-', 'unsatisfiable'],
  ['bytes=-0', 'unsatisfiable'],
  ['bytes=5-2', undefined],
  ['bytes=0-1,4-5', undefined],
  ['lines=1-2', undefined],
  [undefined, undefined],
])('the range %s of ten bytes', (header, range) => {
  expect(parseByteRange(header, 10)).toEqual(range);
});

test('metadata arrives encoded three times, once of it undone by the URL', () => {
  const pairs = { 'a b': 'x=y&z', 'ü%': '100%', plain: '1' };
  const encoded = Object.fromEntries(
    Object.entries(pairs).map(([key, value]) => [encodeURIComponent(key), encodeURIComponent(value)]),
  );
  expect({ ...parseMetadataQuery(new URLSearchParams(encoded).toString()) }).toEqual(pairs);
  expect({ ...parseMetadataQuery('app=50%25 off') }).toEqual({ app: '50% off' });
});

test('time limits are digits, and none where absent or zero', () => {
  expect(parseTimeoutMs('1500')).toBe(1500);
  expect(parseTimeoutMs(undefined)).toBeUndefined();
  expect(parseTimeoutMs('0')).toBeUndefined();
  expect(parseTimeoutMs('9999999999')).toBe(2 ** 31 - 1);
  expect(() => parseTimeoutMs('1e3')).toThrow('ten digits');
  expect(parseKeepaliveMs('50')).toBe(50_000);
  expect(parseKeepaliveMs('soon')).toBeUndefined();
});

test('the user comes from the basic authorization, and has to exist', () => {
  expect(parseBasicUser(undefined)).toBe('user');
  expect(parseBasicUser(`Basic ${btoa('root:')}`)).toBe('root');
  expect(() => parseBasicUser(`Basic ${btoa('mallory:')}`)).toThrow('mallory');
});

test('signatures are those of the SDK', async () => {
  for (const expirationInSeconds of [undefined, 60]) {
    const made = await getSignature({
      path: '/home/user/a.txt',
      operation: 'read',
      user: 'user',
      envdAccessToken: 'secret',
      ...(expirationInSeconds === undefined ? {} : { expirationInSeconds }),
    });
    const grant = { path: '/home/user/a.txt', operation: 'read', user: 'user' } as const;
    const expiresAt = made.expiration ?? undefined;
    expect(verifyFileGrant({ ...grant, expiresAt }, 'secret', made.signature)).toBe(true);
    expect(verifyFileGrant({ ...grant, expiresAt }, 'other', made.signature)).toBe(false);
    expect(verifyFileGrant({ ...grant, expiresAt: 1 }, 'secret', made.signature)).toBe(false);
  }
});

test('secrets of different lengths are compared without an error', () => {
  expect(equalSecrets('abc', 'abc')).toBe(true);
  expect(equalSecrets('abc', 'abcd')).toBe(false);
  expect(equalSecrets('abc', undefined)).toBe(false);
});
