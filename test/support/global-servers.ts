import type { TestProject } from 'vitest/node';
import { startTestSandboxServer } from './sandbox-server.ts';
import { startTestTemporalServer } from './temporal-server.ts';

declare module 'vitest' {
  interface ProvidedContext {
    temporalAddress: string;
    sandboxUrl: string;
    sandboxApiKey: string;
  }
}

/** One Temporal server and one sandbox server for all tests of a run; each test has its own task queue. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const temporal = await startTestTemporalServer();
  project.provide('temporalAddress', temporal.address);
  try {
    const sandboxes = await startTestSandboxServer();
    project.provide('sandboxUrl', sandboxes.url);
    project.provide('sandboxApiKey', sandboxes.apiKey);
    return async () => {
      await sandboxes.stop();
      await temporal.stop();
    };
  } catch (error) {
    await temporal.stop();
    throw error;
  }
}
