import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PRELOAD_NAME, preloadProgram } from '../steps/runner.ts';
import type { ChildSpec } from './child.ts';
import { eventOfLogLine } from './log-line.ts';
import { sourceFile } from '../home.ts';
import type { SandboxTools } from './toolchain.ts';

export interface SandboxProcessOptions {
  tools: SandboxTools;
  port: number;
  /** Undefined for a random one. */
  apiKey: string | undefined;
  /** Folder of its sockets and records. */
  stateDir: string;
  /** Lets sandboxes that ask for it reach the internet. Default false. */
  allowInternet?: boolean | undefined;
  env: NodeJS.ProcessEnv;
  logFile: string;
}

/** The local sandbox server as a process of its own. */
export function sandboxProcess(options: SandboxProcessOptions): ChildSpec {
  const { tools, port, apiKey, stateDir, allowInternet, env, logFile } = options;
  mkdirSync(stateDir, { recursive: true });
  const preload = join(stateDir, PRELOAD_NAME);
  writeFileSync(preload, preloadProgram());
  return {
    name: 'sandboxes',
    command: tools.node,
    args: [
      '--disable-warning=ExperimentalWarning',
      // Its heap is small and its streams are not: a small young generation keeps the idle process small.
      '--max-semi-space-size=2',
      sourceFile(join('sandbox-server', 'main')),
      '--port',
      String(port),
      '--state',
      stateDir,
      '--bwrap',
      tools.bwrap,
      '--python',
      tools.python,
      '--node',
      tools.node,
      ...tools.templates.flatMap(({ name, sitePackages, nodeModules }) => [
        ...['--template', sitePackages ? `${name}=${sitePackages}` : name],
        ...(nodeModules ? ['--node-modules', `${name}=${nodeModules}`] : []),
      ]),
      '--preload',
      preload,
      ...(allowInternet ? ['--allow-internet'] : []),
    ],
    env: { ...env, ...(apiKey !== undefined && { ASSAY_SANDBOX_API_KEY: apiKey }) },
    isReady: (line) => line.startsWith('E2B_API_KEY='),
    readyWithinMs: 30_000,
    eventOf: eventOfLogLine,
    logFile,
  };
}
