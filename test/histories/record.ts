// Records a history for each scenario: `bin/assay-node test/histories/record.ts [SCENARIO…]`. It starts servers of its own, runs the jobs and
// stores what `temporal workflow show -o json` prints. Record a scenario once; later versions of the workflow must replay it.
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Sandbox } from '@e2b/code-interpreter';
import { Assay } from '../../src/client.ts';
import type { JobHandle, JobSpec } from '../../src/client.ts';
import { loadConfig } from '../../src/config.ts';
import { startWorker } from '../../src/worker.ts';
import { startTestSandboxServer } from '../support/sandbox-server.ts';
import { startTestTemporalServer, temporalCli } from '../support/temporal-server.ts';

interface Scenario {
  spec: JobSpec;
  disturb?: (handle: JobHandle) => Promise<void>;
}

const pytest = (expected: number): JobSpec['tests'] => ({
  kind: 'pytest',
  code: `from solution import f\n\n\ndef test_f():\n    assert f(1) == ${expected}\n`,
});
const code = 'def f(x):\n    open("made.txt", "w").write("x")\n    return x + 1\n';
const sleeping: JobSpec = { language: 'python', code: 'import time\ntime.sleep(3)\n' };

const temporal = await startTestTemporalServer();
const sandboxes = await startTestSandboxServer();
const connection = { apiKey: sandboxes.apiKey, apiUrl: sandboxes.url, sandboxUrl: sandboxes.url };

const SCENARIOS: Record<string, Scenario> = {
  'passes-with-tests-and-artifacts': { spec: { language: 'python', code, tests: pytest(2), artifacts: ['*.txt'] } },
  'fails-by-a-wrong-answer': { spec: { language: 'python', code, tests: pytest(3) } },
  'rejected-by-the-validator': {
    spec: { language: 'python', code: 'import os\nos.system("id")\n', validate: { policy: 'strict' } },
  },
  'times-out-twice': {
    spec: {
      language: 'python',
      code: 'while True:\n    pass\n',
      limits: { timeoutMs: 500 },
      retry: { maxAttempts: 2, initialIntervalMs: 600 },
    },
  },
  'sandbox-lost-in-execute': {
    spec: sleeping,
    disturb: async (handle) => {
      await Sandbox.kill(await sandboxOf(handle), connection);
    },
  },
  'cancelled-in-execute': {
    spec: sleeping,
    disturb: async (handle) => {
      await sandboxOf(handle);
      await handle.cancel();
    },
  },
  'unknown-template': { spec: { ...sleeping, template: 'no-such-template' } },
};

/** A history names the machine it was recorded on, which is nobody's business. */
function withoutMachine(history: string): string {
  const root = join(import.meta.dirname, '..', '..');
  return history.replaceAll(root, '/assay').replaceAll(`@${hostname()}`, '@host').replaceAll(tmpdir(), '/tmp');
}

async function show(workflowId: string, name: string): Promise<void> {
  const args = ['workflow', 'show', '--address', temporal.address, '-w', workflowId, '-o', 'json'];
  const { stdout } = await promisify(execFile)(temporalCli(), args, { maxBuffer: 64 * 1024 * 1024 });
  await writeFile(join(import.meta.dirname, `${name}.json`), withoutMachine(stdout));
}

async function sandboxOf(handle: JobHandle): Promise<string> {
  for await (const event of handle.watch()) if (event.type === 'step-started' && event.step === 'execute') break;
  const { sandboxId } = await handle.status();
  if (sandboxId === undefined) throw new Error('the job is in no sandbox');
  return sandboxId;
}

const config = loadConfig({ flags: { address: temporal.address, storeUrl: temporal.folder, sandbox: connection } });
const worker = await startWorker(config);
const assay = await Assay.connect({ address: temporal.address, storeUrl: config.storeUrl });
const wanted = process.argv.slice(2);
for (const [name, { spec, disturb }] of Object.entries(SCENARIOS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const handle = await assay.jobs.start({ ...spec, key: name });
  await disturb?.(handle);
  const outcome = await handle.result().then(
    ({ verdict }) => verdict,
    ({ code: reason }: { code: string }) => reason,
  );
  await show(handle.jobId, `agent-job-${name}`);
  console.log(`${name}: ${outcome}`);
}
if (wanted.length === 0 || wanted.includes('batch')) {
  const rows = Array.from({ length: 40 }, (_, at) => ({
    id: `item-${at}`,
    language: 'python',
    code: at % 9 === 0 ? '1 / 0\n' : '1 + 1\n',
  }));
  const batch = await assay.batches.start({ rows }, { name: 'mixed', concurrency: 3 });
  await batch.pause();
  await batch.setConcurrency(2);
  await batch.resume();
  await batch.result();
  await show(batch.batchId, 'batch-validation-mixed');
}
if (wanted.length === 0 || wanted.includes('schedule')) {
  const rows = [{ id: 'wrong', language: 'python', code: '1 / 0\n' }, { id: 'right', language: 'python', code: '1\n' }];
  // Nobody listens there: what tells of the run is a workflow of its own, which does not matter here.
  const notify = ['http://127.0.0.1:9/'];
  const schedule = await assay.schedules.create('recorded', { rows }, { every: '100d', notify, keepRuns: 1 });
  const over = async (count: number): Promise<void> => {
    await schedule.trigger();
    for (let states: string[] = []; states.length < count || states.includes('running'); await sleep(300))
      states = (await Array.fromAsync(schedule.runs())).map(({ state }) => state);
  };
  await over(1);
  await over(2);
  for await (const { workflowId } of assay.temporal.workflow.list({ query: "WorkflowType = 'scheduledBatch'" })) {
    await show(workflowId, 'scheduled-batch-second-run');
    break;
  }
}
if (wanted.length === 0 || wanted.includes('batch-paused')) {
  const rows = [{ id: 'slow', language: 'python', code: 'import time\ntime.sleep(20)\n' }];
  const batch = await assay.batches.start({ rows }, { name: 'paused' });
  await batch.pause();
  await batch.cancel();
  await batch.result();
  await show(batch.batchId, 'batch-validation-paused-cancelled');
}
if (wanted.length === 0 || wanted.includes('schedule-broken')) {
  const rows = [{ id: 'slow', language: 'python', code: 'import time\ntime.sleep(20)\n' }];
  const schedule = await assay.schedules.create('broken', { rows }, { every: '100d' });
  await schedule.trigger();
  const runs = async () => await Array.fromAsync(schedule.runs());
  while ((await runs()).length === 0) await sleep(300);
  const [{ batchId }] = (await runs()) as [{ batchId: string }, ...unknown[]];
  while (!(await schedule.batch({ batchId }).progress().catch(() => undefined))) await sleep(300);
  await assay.temporal.workflow.getHandle(batchId).terminate('for the record');
  while ((await runs()).some(({ state }) => state === 'running')) await sleep(300);
  for await (const { workflowId, status } of assay.temporal.workflow.list({ query: "WorkflowType = 'scheduledBatch'" }))
    if (status.name === 'FAILED') await show(workflowId, 'scheduled-batch-broken');
}
await assay.close();
await worker.stop();
await sandboxes.stop();
await temporal.stop();
process.exit(0);
