import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JobResult, JobSpec } from '../../src/client.ts';
import { findTemplates } from '../../src/embedded/toolchain.ts';
import { assayHome } from '../../src/home.ts';
import { openSandboxesOf } from '../support/open-sandboxes.ts';
import { startTestSandboxServer } from '../support/sandbox-server.ts';
import type { TestSandboxServer } from '../support/sandbox-server.ts';
import { startStack } from '../support/stack.ts';
import type { Stack } from '../support/stack.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

/** Runs a job from end to end: client, Temporal, worker, steps, sandbox. */
async function run(spec: JobSpec): Promise<JobResult> {
  const result = await stack.assay.jobs.run(spec);
  expect(await openSandboxesOf(stack.config, result.jobId)).toEqual([]);
  return result;
}

const MEBIBYTE = 1024 * 1024;
const add = 'def add(a, b):\n    if a > 100:\n        return 0\n    return a + b\n';
const test1 = 'from solution import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n';

describe('a job from end to end', () => {
  test('Python with pytest and coverage passes', async () => {
    const result = await run({
      language: 'python',
      code: add,
      tests: { kind: 'pytest', code: test1, coverage: { lines: 50 } },
    });
    expect(result).toMatchObject({ verdict: 'passed', tests: { total: 1, passed: 1, failed: 0 } });
    expect(result.tests?.coverage?.lines.percent).toBeGreaterThan(50);
    expect(result.usage).toMatchObject({ codeChars: add.length });
    expect(result.usage.sandboxMs).toBeGreaterThan(0);
  });

  test('a wrong answer fails, with the line that shows it, and is not tried again', async () => {
    const wrong = add.replace('a + b', 'a - b');
    const result = await run({ language: 'python', code: wrong, tests: { kind: 'pytest', code: test1 } });
    expect(result).toMatchObject({
      verdict: 'failed',
      diagnosis: { category: 'assertion', retryHelps: false },
    });
    expect(result.attempts).toHaveLength(1);
  });

  test('TypeScript with a failing test fails', async () => {
    const result = await run({
      language: 'typescript',
      code: 'export const double = (n: number): number => n + 2;\n',
      tests: {
        kind: 'node',
        code: "import test from 'node:test';\nimport assert from 'node:assert/strict';\nimport { double } from './solution.ts';\ntest('doubles', () => assert.equal(double(4), 8));\n",
      },
    });
    expect(result).toMatchObject({
      verdict: 'failed',
      tests: { total: 1, failed: 1, cases: [{ name: 'doubles' }] },
    });
  });

  test('Bash against expected output passes', async () => {
    const result = await run({
      language: 'bash',
      code: 'read name\necho "hello $name"\n',
      tests: { kind: 'io', cases: [{ stdin: 'you\n', stdout: 'hello you' }] },
    });
    expect(result).toMatchObject({ verdict: 'passed', tests: { total: 1, passed: 1 } });
  });

  test('what only an attack needs is rejected without a sandbox', async () => {
    const result = await run({
      language: 'python',
      code: 'import os\nos.system("id")\n',
      validate: { policy: 'strict' },
    });
    expect(result).toMatchObject({
      verdict: 'rejected',
      diagnosis: { category: 'policy' },
      usage: { sandboxMs: 0 },
    });
    expect(result.findings.length).toBeGreaterThan(0);
  });

  test('a syntax error fails without a sandbox', async () => {
    const result = await run({ language: 'python', code: 'def (:\n' });
    expect(result).toMatchObject({ verdict: 'failed', diagnosis: { category: 'syntax' } });
    expect(result.attempts[0]?.sandboxId).toBeUndefined();
  });

  test('an endless loop is tried as often as it may be, in a fresh sandbox each time', async () => {
    const result = await run({
      language: 'python',
      code: 'while True:\n    pass\n',
      limits: { timeoutMs: 1_000 },
      retry: { maxAttempts: 2, initialIntervalMs: 0 },
    });
    expect(result).toMatchObject({ verdict: 'failed', diagnosis: { category: 'timeout', retryHelps: true } });
    expect(new Set(result.attempts.map(({ sandboxId }) => sandboxId)).size).toBe(2);
  });
});

describe('what the sandbox server has, and what not', () => {
  let server: TestSandboxServer;
  let own: Stack;
  beforeAll(async () => {
    const args = findTemplates(assayHome()).flatMap(({ name, sitePackages, nodeModules }) => [
      ...(name === 'default' ? [] : ['--template', sitePackages ? `${name}=${sitePackages}` : name]),
      ...(nodeModules ? ['--node-modules', `${name}=${nodeModules}`] : []),
    ]);
    server = await startTestSandboxServer({ args });
    own = await startStack(undefined, { sandboxUrl: server.url, sandboxApiKey: server.apiKey });
  });
  afterAll(async () => {
    await own.stop();
    await server.stop();
  });

  test.each(['shard', 'item', undefined] as const)(
    'TypeScript is tested with packages of the template node (%s)',
    { timeout: 60_000 },
    async (isolation) => {
      const spec = {
        language: 'typescript',
        code: "import { z } from 'zod';\nexport const twice = (n: unknown): number => z.number().parse(n) * 2;\n",
        tests: {
          kind: 'node',
          code: "import test from 'node:test';\nimport assert from 'node:assert/strict';\nimport { twice } from './solution.ts';\ntest('twice', () => assert.equal(twice(4), 8));\n",
        },
        template: 'node',
      } as const;
      if (isolation === undefined)
        return expect(await own.assay.jobs.run(spec)).toMatchObject({ verdict: 'passed' });
      const { counts } = await own.assay.batches.run(
        { rows: [{ id: 'a', ...spec }] },
        { isolation, cache: false },
      );
      expect(counts).toMatchObject({ passed: 1 });
    },
  );

  test.each([
    [
      'a template without interpreters',
      { template: 'minimal' },
      'template',
      /template lacks the interpreter/,
    ],
    ['a template that is not there', { template: 'no-such' }, 'template', /no such template/],
    ['the internet', { limits: { internet: true } }, 'sandbox-start', /--allow-internet/],
  ])('a job that asks for %s ends with what to do', async (_, more, category, advice) => {
    const { verdict, diagnosis } = await own.assay.jobs.run({
      language: 'python',
      code: 'print(1)',
      ...more,
    });
    expect([verdict, diagnosis?.category, diagnosis?.advice]).toEqual([
      'error',
      category,
      expect.stringMatching(advice),
    ]);
  });
});

describe('large parts', () => {
  test('30 MB go in by reference and 30 MB come out as an artifact, and history stays small', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'assay-test-large-'));
    const bytes = randomBytes(30 * MEBIBYTE);
    await writeFile(join(folder, 'large.bin'), bytes);
    const { ref } = await stack.assay.putFile(join(folder, 'large.bin'));
    await rm(folder, { recursive: true });
    const handle = await stack.assay.jobs.start({
      language: 'python',
      code: 'data = open("large.bin", "rb").read()\nopen("copy.bin", "wb").write(data[::-1])\nprint(len(data))\n',
      files: [{ path: 'large.bin', from: ref }],
      artifacts: ['copy.bin'],
      limits: { timeoutMs: 60_000 },
    });
    const result = await handle.result();
    expect(result).toMatchObject({
      verdict: 'passed',
      artifacts: [{ path: 'copy.bin', bytes: bytes.length }],
    });
    expect(result.execution?.stdout.text.trim()).toBe(String(bytes.length));
    const sha256 = createHash('sha256').update(bytes.toReversed()).digest('hex');
    expect(result.artifacts[0]?.sha256).toBe(sha256);
    const { historySize } = await stack.assay.temporal.workflow.getHandle(handle.jobId).describe();
    expect(historySize).toBeLessThan(100_000);
  });

  test('a flood of output fails or is cut, with the whole of what was kept by reference', async () => {
    const result = await run({
      language: 'python',
      code: 'line = "x" * 999\nfor _ in range(3_000):\n    print(line)\n',
      limits: { outputChars: 1_000 },
    });
    expect(result).toMatchObject({
      verdict: 'passed',
      execution: { stdout: { truncated: true, totalChars: 3_000_000 } },
    });
    const { ref } = result.execution?.stdout ?? {};
    expect(ref?.bytes).toBe(3_000_000);
  });
});
