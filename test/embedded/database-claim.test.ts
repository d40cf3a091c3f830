import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { claimDatabase, releaseDatabase, type DatabaseOwner } from '../../src/embedded/database-claim.ts';
import { identityOf } from '../../src/embedded/process-identity.ts';

let folder: string;
let db: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'assay-claim-'));
  db = join(folder, 'temporal.db');
});
afterEach(() => rmSync(folder, { recursive: true }));

function owner(pid: number): DatabaseOwner {
  const identity = identityOf(pid);
  if (!identity) throw new Error(`no process ${pid}`);
  return { ...identity, kind: 'dev' };
}

test('the first takes it, the second hears who has it, and after a release it is free again', () => {
  const mine = owner(process.pid);
  expect(claimDatabase(db, mine)).toBeUndefined();
  expect(claimDatabase(db, owner(process.ppid))).toEqual(mine);
  releaseDatabase(db);
  expect(claimDatabase(db, owner(process.ppid))).toBeUndefined();
  expect(readdirSync(folder)).toEqual(['temporal.db.owner']);
});

test.each([
  ['of a process that has ended', JSON.stringify({ pid: 2 ** 22 + 1, startTime: '1', kind: 'dev' })],
  [
    'of a process whose id belongs to another one now',
    JSON.stringify({ pid: process.pid, startTime: '1', kind: 'dev' }),
  ],
  ['that was cut off', '{"pid": 12'],
])('a claim %s is taken over', (_, stale) => {
  writeFileSync(`${db}.owner`, stale);
  expect(claimDatabase(db, owner(process.pid))).toBeUndefined();
  expect(claimDatabase(db, owner(process.ppid))?.pid).toBe(process.pid);
  expect(readdirSync(folder)).toEqual(['temporal.db.owner']);
});
