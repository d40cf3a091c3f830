import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, inject, test } from 'vitest';
import { freePort } from '../support/temporal-server.ts';
import { environmentOf, testConfigForOne } from '../support/stack.ts';
import { spawnWorker, startWorkerProcess } from '../support/worker-process.ts';

async function endOf(env: Record<string, string>): Promise<{ code: number | null; said: string }> {
  const worker = spawnWorker(env);
  const code = await worker.exited;
  return { code, said: worker.stderr.join('\n') };
}

describe('the worker as a program', () => {
  test('says in one line where it works, and ends with 0 when told to', async () => {
    const config = await testConfigForOne();
    const worker = await startWorkerProcess(config);
    expect(worker.lines).toHaveLength(1);
    expect(worker.lines[0]).toContain(`ready on ${config.taskQueue} at ${config.temporal.address} (default)`);
    worker.signal('SIGINT');
    expect(await worker.exited).toBe(0);
  });

  test('reads a profile of temporal.toml', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'assay-test-profile-'));
    const file = join(folder, 'temporal.toml');
    await writeFile(
      file,
      `[profile.mine]\naddress = "${inject('temporalAddress')}"\nnamespace = "default"\n`,
    );
    const { TEMPORAL_ADDRESS: _, ...env } = environmentOf(await testConfigForOne());
    const worker = spawnWorker({ ...env, TEMPORAL_CONFIG_FILE: file, TEMPORAL_PROFILE: 'mine' });
    expect(await worker.line('assay worker: ready')).toContain(inject('temporalAddress'));
    await worker.kill();
    await rm(folder, { recursive: true });
  });

  test('names what is missing from its configuration', async () => {
    const { E2B_API_KEY: _, ...env } = environmentOf(await testConfigForOne());
    const { code, said } = await endOf(env);
    expect([code, said]).toEqual([64, expect.stringContaining('E2B_API_KEY is not set')]);
  });

  test('names a variable that does not fit', async () => {
    const { code, said } = await endOf({
      ...environmentOf(await testConfigForOne()),
      E2B_API_URL: 'nonsense',
    });
    expect([code, said]).toEqual([64, 'assay worker: E2B_API_URL must be an http or https URL']);
  });

  test('says which server does not answer', async () => {
    const address = `127.0.0.1:${await freePort()}`;
    const { code, said } = await endOf({
      ...environmentOf(await testConfigForOne()),
      TEMPORAL_ADDRESS: address,
    });
    expect(code).toBe(3);
    expect(said).toContain(`No Temporal server answers at ${address}`);
    expect(said.split('\n')).toHaveLength(1);
  });

  test('says that the server has no such namespace', async () => {
    const { code, said } = await endOf({
      ...environmentOf(await testConfigForOne()),
      TEMPORAL_NAMESPACE: 'nowhere',
    });
    expect(code).toBe(3);
    expect(said).toContain('has no namespace nowhere');
  });
});
