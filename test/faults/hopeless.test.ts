import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startTestSandboxServer } from '../support/sandbox-server.ts';
import { startStack } from '../support/stack.ts';

test('a template that cannot be loaded is an error that names the fault, after one try', async () => {
  const packages = mkdtempSync(join(tmpdir(), 'assay-test-packages-'));
  onTestFinished(() => rmSync(packages, { recursive: true }));
  chmodSync(packages, 0o755);
  writeFileSync(join(packages, 'numpy.py'), 'raise RuntimeError("half an installation")\n');
  const args = ['--template', `broken=${packages}`];
  const server = await startTestSandboxServer({ packages: false, args });
  onTestFinished(async () => void (await server.stop()));
  const stack = await startStack(undefined, { sandboxUrl: server.url, sandboxApiKey: server.apiKey });
  onTestFinished(() => stack.stop());
  const { verdict, diagnosis, attempts } = await stack.assay.jobs.run({
    language: 'python',
    code: 'print(1)',
    template: 'broken',
  });
  expect({ verdict, diagnosis }).toEqual({
    verdict: 'error',
    diagnosis: {
      category: 'template',
      evidence: expect.stringContaining(
        `template 'broken' cannot be loaded: exit code 1: RuntimeError: half`,
      ),
      retryHelps: false,
      advice: expect.stringContaining('does not load'),
    },
  });
  expect(attempts[0]?.steps.filter(({ name }) => name === 'open')).toHaveLength(1);
});
