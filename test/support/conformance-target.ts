import type { Sandbox, SandboxOpts } from '@e2b/code-interpreter';
import { startTestSandboxServer } from './sandbox-server.ts';

/** What a suite of conformance drives: the local server, or with `ASSAY_CONFORMANCE=cloud` and `E2B_API_KEY` E2B's cloud. */
export interface ConformanceTarget {
  /** For every call of the SDK that takes connection options. */
  connection: Pick<SandboxOpts, 'apiKey' | 'apiUrl' | 'sandboxUrl' | 'retries'>;
  /** Where a server in a sandbox is reached. Names below localhost are not looked up by every system, so the local server has a path for it. */
  urlOf(sandbox: Sandbox, port: number): string;
  stop(): Promise<unknown>;
}

export async function conformanceTarget(): Promise<ConformanceTarget> {
  if (process.env['ASSAY_CONFORMANCE'] === 'cloud')
    return {
      connection: {},
      urlOf: (sandbox, port) => `https://${sandbox.getHost(port)}/`,
      stop: () => Promise.resolve(),
    };
  const server = await startTestSandboxServer();
  return {
    connection: server.connection,
    urlOf: ({ sandboxId }, port) => `${server.url}/sandboxes/${sandboxId}/ports/${port}/`,
    stop: () => server.stop(),
  };
}
