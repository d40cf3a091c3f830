import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isRunning, type ProcessIdentity } from './process-identity.ts';
import { findRunningStack } from './stack-record.ts';

/** How a sandbox server on this machine is reached. */
export interface LocalSandboxServer {
  url: string;
  apiKey: string;
}

/** Where `assay sandbox serve` keeps its state. */
export const sandboxStateDir = (home: string): string => join(home, 'sandboxes');

/** The sandbox server that runs on this machine: that of `assay sandbox serve` in a state folder, else that of a running `assay dev`. */
export function findSandboxServer(
  home: string,
  stateDir = sandboxStateDir(home),
): LocalSandboxServer | undefined {
  const record = readRecord(join(stateDir, 'server.json'));
  if (record && isRunning(record)) return { url: record.url, apiKey: record.apiKey };
  const sandbox = findRunningStack(home)?.config.sandbox;
  return sandbox?.apiUrl ? { url: sandbox.apiUrl, apiKey: sandbox.apiKey } : undefined;
}

function readRecord(path: string): (LocalSandboxServer & ProcessIdentity) | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as LocalSandboxServer & ProcessIdentity;
  } catch {
    return undefined; // none, or one that is being written
  }
}
