import { Sandbox } from '@e2b/code-interpreter';
import { afterAll, beforeAll } from 'vitest';
import type { JobInput } from '../../src/domain/job-input.ts';
import { JobSpec } from '../../src/domain/job-spec.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { StepContext } from '../../src/steps/step-context.ts';
import { startTestSandboxServer } from '../support/sandbox-server.ts';
import type { TestSandboxServer } from '../support/sandbox-server.ts';

/** A job as the workflow carries it, with everything inline. */
export function jobOf(spec: JobSpec): JobInput {
  const parsed = JobSpec.parse(spec);
  const { tests } = parsed;
  return {
    ...parsed,
    jobId: 'job-test',
    code: { text: parsed.code },
    codeChars: parsed.code.length,
    files: parsed.files.map(({ path, content, base64 }) => ({
      path,
      content: content === undefined ? { base64: base64! } : { text: content },
    })),
    ...(tests && {
      tests:
        tests.kind === 'io'
          ? { kind: tests.kind, source: { text: JSON.stringify(tests.cases) } }
          : { kind: tests.kind, source: { text: tests.code }, coverage: tests.coverage },
    }),
  } as JobInput;
}

export function stepContext(signal: AbortSignal = new AbortController().signal): StepContext {
  return { store: openStore('memory://'), signal };
}

/** One real sandbox server for a test file, and a fresh sandbox by call; all end with the file. */
export function withSandboxes(): { create(): Promise<Sandbox>; server(): TestSandboxServer } {
  let server: TestSandboxServer;
  const opened: Sandbox[] = [];
  beforeAll(async () => {
    server = await startTestSandboxServer();
  }, 60_000);
  afterAll(async () => {
    await Promise.all(opened.map((sandbox) => sandbox.kill().catch(() => false)));
    await server.stop();
  });
  return {
    server: () => server,
    async create() {
      const options = { apiKey: server.apiKey, apiUrl: server.url, sandboxUrl: server.url };
      const sandbox = await Sandbox.create('default', { ...options, timeoutMs: 300_000 });
      opened.push(sandbox);
      return sandbox;
    },
  };
}
