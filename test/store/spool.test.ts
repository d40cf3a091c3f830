import { closeSync, mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { OutputKeeper } from '../../src/steps/output.ts';
import { openStore } from '../../src/store/open-store.ts';
import { Spool } from '../../src/store/spool.ts';
import type { Store } from '../../src/store/store.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'assay-test-'));
  vi.stubEnv('TMPDIR', folder);
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

/** Descriptors of this process to files that were in the folder. */
function descriptors(): number {
  return readdirSync('/proc/self/fd').filter((fd) => linkOf(fd).startsWith(folder)).length;
}

function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return '';
  }
}

test('a spool gives what was written, and has no name for a killed process to leave behind', async () => {
  const spool = new Spool();
  writeSync(spool.writeFd, 'written');
  expect(readdirSync(folder)).toEqual([]);
  expect(descriptors()).toBe(2);
  closeSync(spool.writeFd);
  expect(await text(spool.read())).toBe('written');
  await expect.poll(descriptors).toBe(0);
});

/** A store whose folder has become a file. */
function brokenStore(): Store {
  const path = join(mkdtempSync(join(folder, '..', 'assay-test-')), 'store');
  const store = openStore(`file://${path}`);
  rmSync(path, { recursive: true });
  writeFileSync(path, '');
  onTestFinished(() => rmSync(dirname(path), { recursive: true }));
  return store;
}

test.each([
  ['ended', (keeper: OutputKeeper) => keeper.end(openStore('memory://'))],
  ['discarded', (keeper: OutputKeeper) => keeper.discard()],
  [
    'refused by the store',
    (keeper: OutputKeeper) => expect(keeper.end(brokenStore())).rejects.toThrow('failed to'),
  ],
])('a long output that is %s leaves neither file nor descriptor', async (_, finish) => {
  const keeper = new OutputKeeper(10);
  keeper.push('word '.repeat(1_000_000));
  expect(readdirSync(folder)).toEqual([]);
  expect(descriptors()).toBe(2);
  await finish(keeper);
  await expect.poll(descriptors).toBe(0);
  expect(readdirSync(folder)).toEqual([]);
});
