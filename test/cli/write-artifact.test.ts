import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { writeArtifact } from '../../src/cli/write-artifact.ts';
import { tempFolder } from '../support/assay.ts';

const TEXT = 'from the sandbox';
const sha256 = createHash('sha256').update(TEXT).digest('hex');
const content = async () => Readable.from([Buffer.from(TEXT)]);

test('an artifact goes below the folder, and again is the same', async () => {
  const folder = join(tempFolder(), 'new');
  const target = await writeArtifact(folder, { path: './out//a.txt', sha256 }, content);
  expect(readFileSync(join(folder, 'out/a.txt'), 'utf8')).toBe(TEXT);
  expect(await writeArtifact(folder, { path: 'out/a.txt', sha256 }, content)).toBe(target);
  expect(readdirSync(join(folder, 'out'))).toEqual(['a.txt']);
});

test.each(['../outside', 'a/../../outside', '/etc/outside', '..', '.', '', 'a/..', 'nul\0'])(
  'the path %j is refused',
  async (path) => {
    const folder = tempFolder();
    await expect(writeArtifact(join(folder, 'in'), { path, sha256 }, content, true)).rejects.toMatchObject({
      code: 'unsafe-artifact',
    });
    expect(readdirSync(folder)).toEqual([]);
  },
);

test('another file is kept, unless it may be replaced', async () => {
  const folder = tempFolder();
  writeFileSync(join(folder, 'package.json'), 'mine');
  const artifact = { path: 'package.json', sha256 };
  await expect(writeArtifact(folder, artifact, content)).rejects.toThrow(/is there already/);
  expect(readFileSync(join(folder, 'package.json'), 'utf8')).toBe('mine');
  await writeArtifact(folder, artifact, content, true);
  expect(readFileSync(join(folder, 'package.json'), 'utf8')).toBe(TEXT);
});

test('no link is followed: neither on the way nor at the end', async () => {
  const folder = tempFolder();
  const inside = join(folder, 'in');
  mkdirSync(inside);
  mkdirSync(join(folder, 'elsewhere'));
  writeFileSync(join(folder, 'precious'), 'mine');
  symlinkSync(join(folder, 'elsewhere'), join(inside, 'way'));
  symlinkSync(join(folder, 'precious'), join(inside, 'end'));
  await expect(writeArtifact(inside, { path: 'way/a', sha256 }, content, true)).rejects.toThrow(
    /symbolic link/,
  );
  await expect(writeArtifact(inside, { path: 'end', sha256 }, content)).rejects.toThrow(/is there already/);
  // Replacing takes the place of the link and leaves alone what it led to.
  await writeArtifact(inside, { path: 'end', sha256 }, content, true);
  expect(readFileSync(join(folder, 'precious'), 'utf8')).toBe('mine');
  expect(readdirSync(join(folder, 'elsewhere'))).toEqual([]);
});

test('a stream that breaks leaves nothing behind', async () => {
  const folder = tempFolder();
  const broken = async () =>
    Readable.from(
      (async function* () {
        yield Buffer.from('half');
        throw new Error('the store went away');
      })(),
    );
  await expect(writeArtifact(folder, { path: 'a', sha256 }, broken)).rejects.toThrow('the store went away');
  expect(readdirSync(folder)).toEqual([]);
});
