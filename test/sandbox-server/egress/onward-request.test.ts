import { expect, test } from 'vitest';

import { headersFor, type HeaderRules } from '../../../src/sandbox-server/egress/header-rules.ts';
import {
  hostOf,
  HTTP_PORT,
  HTTPS_PORT,
  onwardHeaders,
} from '../../../src/sandbox-server/egress/onward-request.ts';
import {
  fillSecrets,
  placeholderFault,
  secretsIn,
} from '../../../src/sandbox-server/secrets/placeholders.ts';

const rule = (headers: Record<string, string>): HeaderRules[string] => [{ transform: { headers } }];

test('a rule of the host itself goes before those of what it is below, of which the longest counts', () => {
  const rules = {
    'api.example.com': rule({ A: 'itself' }),
    '*.example.com': rule({ A: 'short', B: 'short' }),
    '*.deep.example.com': rule({ A: 'long' }),
    'none.example.com': [],
    'two.example.com': [...rule({ A: '1', B: '2' }), {}, ...rule({ a: '3' })],
  };
  const of = (host: string): unknown => headersFor(rules, host);
  expect(of('API.example.com')).toEqual({ a: 'itself' });
  expect(of('other.example.com')).toEqual({ a: 'short', b: 'short' });
  expect(of('a.b.example.com')).toEqual({ a: 'short', b: 'short' });
  expect(of('a.b.deep.example.com')).toEqual({ a: 'long' });
  expect(of('deep.example.com')).toEqual({ a: 'short', b: 'short' });
  expect(of('none.example.com')).toEqual({});
  expect(of('two.example.com')).toEqual({ a: '3', b: '2' });
  for (const host of [
    'example.com',
    'com',
    'notexample.com',
    'api.example.com.evil.org',
    '',
    'toString',
    '__proto__',
  ]) {
    expect(of(host), host).toBeUndefined();
  }
  expect(headersFor({ '*.com': rule({ A: 'wide' }) }, 'x.com')).toEqual({ a: 'wide' });
  expect(headersFor(undefined, 'api.example.com')).toBeUndefined();
});

test('placeholders of secrets are found, filled in, and refused where they name none', () => {
  const text = 'Basic ${e2b.secrets.one}:${e2b.secrets.A-b_c.d}$${e2b.other}';
  expect(secretsIn(text)).toEqual(['one', 'A-b_c.d']);
  // What a value looks like is never looked at again.
  expect(fillSecrets(text, (name) => `$&\${e2b.secrets.${name}}`)).toBe(
    'Basic $&${e2b.secrets.one}:$&${e2b.secrets.A-b_c.d}$${e2b.other}',
  );
  expect(placeholderFault(text)).toBeUndefined();
  for (const bad of [
    '${e2b.secrets.}',
    '${e2b.secrets.a',
    'x ${e2b.secrets.${e2b.secrets.a}}',
    '${e2b.secrets.a{b}',
  ]) {
    expect(placeholderFault(bad), bad).toMatch(/names none/);
  }
  expect(placeholderFault('${e2b.identity.tokens.aws}')).toMatch(/workload identity/);
});

test('a request is for the host that its connection is to, and refused where it says another', () => {
  const asked = (host: string[], url = '/a?b', connected = 'api.example.com'): unknown =>
    hostOf({ url, headersDistinct: { host } }, connected, HTTPS_PORT);
  const good = { host: 'api.example.com', path: '/a?b' };
  for (const host of ['api.example.com', 'API.example.COM', 'api.example.com:443']) {
    expect(asked([host]), host).toEqual(good);
  }
  expect(
    hostOf({ url: '/', headersDistinct: { host: ['Any.example.com:80'] } }, undefined, HTTP_PORT).host,
  ).toBe('any.example.com');
  for (const host of [
    'other.example.com',
    'api.example.com:80',
    'api.example.com.',
    'xapi.example.com',
    'false',
  ]) {
    expect(() => asked([host]), host).toThrow(expect.objectContaining({ status: 421 }));
  }
  for (const host of [
    '',
    'api.example.com@other.example.com',
    'api.example.com,other',
    '[::1]',
    'api.example.com/',
    'a b',
  ]) {
    expect(() => asked([host]), host).toThrow(expect.objectContaining({ status: 400 }));
  }
  for (const hosts of [[], ['api.example.com', 'api.example.com']]) {
    expect(() => asked(hosts)).toThrow(expect.objectContaining({ status: 400 }));
  }
  for (const url of [
    'http://api.example.com/',
    'https://other.example.com/',
    'api.example.com:443',
    '',
    '?a',
  ]) {
    expect(() => asked(['api.example.com'], url), url).toThrow(expect.objectContaining({ status: 400 }));
  }
  expect(asked(['api.example.com'], '*')).toEqual({ ...good, path: '*' });
});

test("headers of a rule take the place of a program's own, and those of its connection stay behind", () => {
  const headersDistinct = {
    host: ['api.example.com'],
    authorization: ['mine', 'mine too'],
    accept: ['a', 'b'],
    connection: ['authorization'],
    'proxy-authorization': ['x'],
    'transfer-encoding': ['chunked'],
    upgrade: ['h2c'],
    expect: ['100-continue'],
  };
  const secrets = new Map([
    ['key', 'value'],
    ['odd', 'two\nlines'],
  ]);
  const written = (headers: Record<string, string>, isSecure = true): unknown =>
    onwardHeaders({ headersDistinct }, headers, { isSecure, secretOf: (name) => secrets.get(name) });
  expect(written({ authorization: 'Bearer ${e2b.secrets.key}', 'x-new': 'plain' })).toEqual({
    accept: ['a', 'b'],
    authorization: 'Bearer value',
    'x-new': 'plain',
  });
  expect(written({ 'x-new': 'plain' }, false)).toMatchObject({ authorization: ['mine', 'mine too'] });
  const refusals = [
    [{ a: '${e2b.secrets.key}' }, false, 403, 'HTTPS alone'],
    [{ a: '${e2b.secrets.gone}' }, true, 502, "'gone', which is not there"],
    [{ a: '${e2b.secrets.odd}' }, true, 502, 'no header may have'],
  ] as const;
  for (const [headers, isSecure, status, message] of refusals) {
    expect(() => written(headers, isSecure)).toThrow(
      expect.objectContaining({ status, message: expect.stringContaining(message) as string }),
    );
    expect(() => written(headers, isSecure)).not.toThrow(/value|two/);
  }
});
