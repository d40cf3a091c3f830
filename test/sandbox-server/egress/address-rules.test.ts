import { networkInterfaces } from 'node:os';

import fc from 'fast-check';
import { expect, test } from 'vitest';

import { AddressRules, addressList } from '../../../src/sandbox-server/egress/address-rules.ts';
import { NameResolver, namesOfHosts } from '../../../src/sandbox-server/egress/name-resolver.ts';

const rules = new AddressRules(['10.9.0.0/16']);

test.each([
  '127.0.0.1',
  '127.255.255.254',
  '0.0.0.0',
  '10.0.0.1',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '169.254.169.254',
  '100.64.0.1',
  '224.0.0.1',
  '255.255.255.255',
  '::1',
  '::',
  '::ffff:127.0.0.1',
  '::ffff:7f00:1',
  '2606:4700::1%lo',
  'fe80::1%2',
  'example.com',
  '',
  '::ffff:8.8.8.8'.replace('8.8.8.8', '10.0.0.1'),
  'fe80::1',
  'fd00:ec2::254',
  '64:ff9b::7f00:1',
  '2002:7f00:1::',
  'ff02::1',
])('%s is not the internet', (address) => {
  expect(rules.refusal(['name'], address, {})).toContain('private network');
  expect(rules.refusal(['name'], address, { allowOut: [address, '0.0.0.0/0', 'name', '*'] })).toBeDefined();
});

test('every address of this machine is refused, whatever it is', () => {
  for (const { address } of Object.values(networkInterfaces()).flatMap((each) => each ?? [])) {
    expect(rules.refusal(['name'], address.split('%')[0] ?? '', {})).toBeDefined();
  }
});

test.each([
  '8.8.8.8',
  '1.1.1.1',
  '172.32.0.1',
  '192.0.1.1',
  '2606:4700:4700::1111',
  '10.9.1.2',
  '::ffff:8.8.8.8',
])('%s can be reached', (address) => expect(rules.refusal(['name'], address, {})).toBeUndefined());

test('what is denied is refused, what is allowed wins', () => {
  const all = { denyOut: ['0.0.0.0/0', '::/0'] };
  expect(rules.refusal(['a.example.com'], '8.8.8.8', all)).toContain('denied');
  expect(rules.refusal(['a.example.com'], '2606:4700::1', all)).toContain('denied');
  const open = (allowOut: string[], name = 'a.example.com'): unknown =>
    rules.refusal([name], '8.8.8.8', { ...all, allowOut });
  expect(open(['8.8.8.0/24'])).toBeUndefined();
  expect(open(['A.example.com'])).toBeUndefined();
  expect(open(['*.example.com'])).toBeUndefined();
  expect(open(['*'])).toBeUndefined();
  expect(open(['example.com'])).toBeDefined();
  expect(open(['*.example.com'], 'example.com')).toBeDefined();
  expect(open(['*.example.com'], 'a.example.com.evil.org')).toBeDefined();
  expect(open(['*.example.com'], 'evilexample.com')).toBeDefined();
  expect(open(['8.8.4.4'])).toBeDefined();
});

test("E2B's word for all traffic means that of IPv6 too", () => {
  expect(rules.refusal(['x'], '2606:4700::1', { denyOut: ['0.0.0.0/0'] })).toContain('denied');
  expect(rules.refusal(['x'], '2606:4700::1', { denyOut: ['8.0.0.0/8'] })).toBeUndefined();
  expect(
    rules.refusal(['x'], '2606:4700::1', { denyOut: ['::/0'], allowOut: ['0.0.0.0/0'] }),
  ).toBeUndefined();
});

test('a name that no rule lets through need not be looked up', () => {
  const denyOut = ['0.0.0.0/0'];
  expect(rules.mayBeReached('a.example.com', {})).toBe(true);
  expect(rules.mayBeReached('a.example.com', { denyOut: ['8.0.0.0/8'] })).toBe(true);
  expect(rules.mayBeReached('a.example.com', { denyOut })).toBe(false);
  expect(rules.mayBeReached('a.example.com', { denyOut, allowOut: ['*.example.com'] })).toBe(true);
  expect(rules.mayBeReached('a.example.org', { denyOut, allowOut: ['*.example.com'] })).toBe(false);
  expect(rules.mayBeReached('a.example.org', { denyOut, allowOut: ['8.8.8.8'] })).toBe(true);
});

test('rules that are none are refused', () => {
  for (const rule of ['', 'x', '1.2.3', '1.2.3.4/33', '::1/129', '1.2.3.4/', '1.2.3.4/-1', '1.2.3.4/8/8x']) {
    expect(() => addressList([rule]), rule).toThrow(RangeError);
  }
});

test('no rules of a sandbox open any private address', () => {
  const octet = fc.nat(255);
  const address = fc.tuple(fc.constantFrom(127, 10, 0), octet, octet, octet).map((parts) => parts.join('.'));
  fc.assert(
    fc.property(address, fc.array(fc.string()), (each, names) => {
      fc.pre(!each.startsWith('10.9.'));
      return (
        rules.refusal(['name'], each, { allowOut: [...names, each, `${each}/32`, 'name'] }) !== undefined
      );
    }),
  );
});

test('names are looked up in the hosts file first; numbers in odd forms are no addresses', async () => {
  const text =
    '# 1.1.1.1 mirror\n10.9.1.2\tmirror Mirror.example # the mirror\nnonsense mirror\n::1 localhost\n';
  const names = namesOfHosts(text);
  expect(names.get('mirror')).toEqual(['10.9.1.2']);
  expect(names.get('mirror.example')).toEqual(['10.9.1.2']);
  expect(names.get('1.1.1.1')).toBeUndefined();
  const resolver = new NameResolver();
  expect(await resolver.addresses('::1')).toEqual(['::1']);
  expect(await resolver.addresses('localhost')).toContain('127.0.0.1');
});
