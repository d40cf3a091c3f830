import { afterAll, beforeAll, expect, test } from 'vitest';

import { startNest, type TestGuest, type TestNest } from './start-nest.ts';

let nest: TestNest;
let guest: TestGuest;

beforeAll(async () => {
  nest = await startNest({ packages: false });
  guest = await nest.spawn({ homeMb: 32, tmpMb: 32 });
});

afterAll(() => nest?.stop());

test('a file is written with its parents and read back, whole or in part', async () => {
  const content = Buffer.from(Array.from({ length: 3_000_000 }, (_, index) => index % 251));
  const written = await guest.call('file.write', { path: 'deep/er/file.bin', mode: 0o600 }, content);
  expect(written.events).toEqual([
    { name: 'file.bin', path: '/home/user/deep/er/file.bin', size: 3_000_000, metadata: {} },
  ]);
  const read = await guest.call('file.read', { path: '~/deep/er/file.bin' });
  expect(read.body.equals(content)).toBe(true);
  const part = await guest.call('file.read', { path: '/home/user/deep/er/file.bin', offset: 250, length: 3 });
  expect([...part.body]).toEqual([250, 0, 1]);
  expect((await guest.call('file.stat', { path: 'deep/er/file.bin' })).events[0]?.['entry']).toMatchObject({
    type: 'file',
    size: 3_000_000,
    mode: 0o600,
    permissions: '-rw-------',
    owner: 'user',
  });
});

test('metadata stays with a file', async () => {
  await guest.call('file.write', { path: 'm.txt', metadata: { source: 'test' } }, 'x');
  await guest.call('file.move', { from: 'm.txt', to: '/home/user/n/m2.txt' });
  const moved = (await guest.call('file.stat', { path: 'n/m2.txt' })).events[0]?.['entry'];
  expect(moved).toMatchObject({ name: 'm2.txt', metadata: { source: 'test' } });
  expect((await guest.call('file.stat', { path: 'm.txt' })).error?.code).toBe('not_found');
});

test('of attributes that code made, no more is told than one may hold', async () => {
  await guest.sh(
    `touch much && python3 -c "import os; [os.setxattr('much', f'user.e2b.{n}', b'x' * 20000) for n in range(9)]"`,
  );
  const entry = (await guest.call('file.stat', { path: 'much' })).events[0]?.['entry'];
  expect(Object.keys((entry as { metadata?: object }).metadata ?? {})).toHaveLength(3);
  expect((await guest.call('file.write', { path: 'much' }, 'x')).events[0]?.['metadata']).toEqual({});
});

test('a folder is listed to a depth, in several events where it is long', async () => {
  await guest.sh(
    'mkdir -p tree/a/b && touch tree/f tree/a/g && ln -s f tree/link && ln -s /nope tree/broken',
  );
  const names = async (depth: number) =>
    (await guest.call('file.list', { path: 'tree', depth })).events
      .flatMap((event) => event['entries'] as { path: string; type: string }[])
      .map(({ path, type }) => `${path.slice('/home/user/tree/'.length)} ${type}`)
      .toSorted();
  expect(await names(1)).toEqual(['a dir', 'broken symlink', 'f file', 'link file']);
  expect(await names(3)).toEqual(['a dir', 'a/b dir', 'a/g file', 'broken symlink', 'f file', 'link file']);
  await guest.sh('mkdir many && cd many && touch {1..1200}');
  const many = await guest.call('file.list', { path: 'many', depth: 1 });
  expect(many.events.length).toBeGreaterThan(1);
  expect(many.events.flatMap((event) => event['entries'])).toHaveLength(1200);
});

test('each fault has its code', async () => {
  const code = async (op: string, params: Record<string, unknown>) =>
    (await guest.call(op, params)).error?.code;
  await guest.sh('mkfifo pipe; mkdir -p dir');
  expect(await code('file.read', { path: 'nope' })).toBe('not_found');
  expect(await code('file.read', { path: 'dir' })).toBe('invalid_argument');
  expect(await code('file.read', { path: 'pipe' })).toBe('invalid_argument');
  expect(await code('file.read', { path: '/dev/zero' })).toBe('invalid_argument');
  expect(await code('file.read', { path: 'a\0b' })).toBe('invalid_argument');
  expect(await code('file.mkdir', { path: 'dir' })).toBe('already_exists');
  expect(await code('file.list', { path: 'nope' })).toBe('not_found');
  expect((await guest.call('file.write', { path: '/usr/x' }, 'x')).error?.code).toBe('permission_denied');
  expect((await guest.call('file.read', { path: 'x', user: 'bob' })).error?.code).toBe('unauthenticated');
});

test('a full disk is an error, leaves no half file, and is no trouble for later ones', async () => {
  const answer = await guest.call('file.write', { path: 'big' }, Buffer.alloc(40 << 20));
  expect(answer.error?.code).toBe('resource_exhausted');
  expect((await guest.call('file.stat', { path: 'big' })).error?.code).toBe('not_found');
  expect((await guest.call('file.write', { path: 'small' }, 'x')).error).toBeUndefined();
});

test('a symbolic link leads nowhere outside of the sandbox', async () => {
  await guest.sh(
    'ln -s /etc/passwd p; ln -s /proc/self/root/etc r; ln -s ../../../../.. up; ln -s loop loop',
  );
  expect((await guest.call('file.read', { path: 'p' })).body.toString()).toMatch(
    /^root:x:0:0:root:\/root:\/bin\/bash\nuser:/,
  );
  expect((await guest.call('file.write', { path: 'p' }, 'x')).error?.code).toBe('permission_denied');
  expect((await guest.call('file.list', { path: 'r', depth: 1 })).error?.code).toBe('not_found');
  expect((await guest.call('file.read', { path: 'loop' })).error?.code).toBe('invalid_argument');
  const root = await guest.call('file.list', { path: 'up', depth: 1 });
  const names = root.events
    .flatMap((event) => event['entries'] as { name: string }[])
    .map(({ name }) => name);
  expect(names).toContain('opt');
  expect(names).not.toContain('boot');
});

test('removing takes a tree and follows no link', async () => {
  await guest.sh('mkdir -p gone/x keep && touch keep/k && ln -s ~/keep gone/link');
  expect((await guest.call('file.remove', { path: 'gone' })).error).toBeUndefined();
  expect((await guest.sh('ls keep gone')).stdout).toContain('k');
  expect((await guest.call('file.stat', { path: 'gone' })).error?.code).toBe('not_found');
});

test('a watch tells of changes below it, in folders made later too', async () => {
  await guest.sh('mkdir watched');
  const stream = guest.link.open('file.watch', { path: 'watched', user: 'user', recursive: true });
  expect(await stream.next()).toMatchObject({ event: { started: true } });
  await guest.sh(
    'cd watched; mkdir sub; sleep 0.3; echo 1 > sub/f; chmod 600 sub/f; mv sub/f sub/g; rm sub/g',
  );
  const seen: string[] = [];
  while (!seen.includes('sub/g remove')) {
    const item = await stream.next();
    if (item?.type === 'event') seen.push(`${String(item.event['name'])} ${String(item.event['type'])}`);
  }
  stream.cancel();
  expect(seen).toEqual(
    expect.arrayContaining(['sub create', 'sub/f create', 'sub/f chmod', 'sub/f rename', 'sub/g create']),
  );
});
