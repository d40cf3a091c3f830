import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { ProcessRecord, StateInUseError } from '../../../src/sandbox-server/link/process-record.ts';

let stateDir: string;
beforeEach(() => void (stateDir = mkdtempSync(join(tmpdir(), 'assay-record-'))));
afterEach(() => rmSync(stateDir, { recursive: true }));

function startTicks(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

function leave(server: object, children: object[]): void {
  writeFileSync(join(stateDir, 'processes.json'), JSON.stringify({ server, children }));
}

test('what a killed server left is ended, and nobody who only has its number', async () => {
  const left = spawn('sleep', ['60']);
  const stranger = spawn('sleep', ['60']);
  leave({ pid: 1, startTicks: 'another' }, [
    { pid: left.pid, startTicks: startTicks(left.pid ?? 0) },
    { pid: stranger.pid, startTicks: '1' },
  ]);
  const exited = once(left, 'exit');
  expect(ProcessRecord.take(stateDir).ended).toBe(1);
  await exited;
  expect(left.signalCode).toBe('SIGKILL');
  expect(stranger.exitCode ?? stranger.signalCode).toBe(null);
  stranger.kill();
});

test('a state folder has one server at a time', () => {
  const { record } = ProcessRecord.take(stateDir);
  leave({ pid: 1, startTicks: startTicks(1) }, []);
  expect(() => ProcessRecord.take(stateDir)).toThrow(StateInUseError);
  record.release();
  expect(ProcessRecord.take(stateDir).ended).toBe(0);
});

test('a record that was cut is as good as none', () => {
  writeFileSync(join(stateDir, 'processes.json'), '{"server":');
  expect(ProcessRecord.take(stateDir).ended).toBe(0);
});
