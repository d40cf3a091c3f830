import type { Command } from 'commander';
import type { ConnectionOpts } from '@e2b/code-interpreter';
import { findSandboxServer } from '../../embedded/sandbox-server-record.ts';
import { assayHome } from '../../home.ts';
import { CliError } from '../cli-error.ts';
import { EXIT } from '../exit-codes.ts';

/** Where sandboxes are. */
export interface SandboxConnectionOptions {
  state?: string;
}

/** Adds the option of every command that talks to a sandbox server. */
export function addSandboxOptions(command: Command): Command {
  return command.option(
    '--state <dir>',
    "state folder of the local server (default: sandboxes in Assay's home)",
  );
}

/** E2B as the environment says, else the server that runs on this machine. @throws CliError where there is neither */
export function sandboxConnection({ state }: SandboxConnectionOptions): ConnectionOpts {
  if (state === undefined && (process.env['E2B_API_KEY'] || process.env['E2B_API_URL'])) return {};
  const local = findSandboxServer(assayHome(), state);
  if (local) return { apiKey: local.apiKey, apiUrl: local.url, sandboxUrl: local.url };
  throw new CliError(
    'no-sandbox-server',
    'no sandbox server runs on this machine: start one with `assay sandbox serve` or `assay dev`, or set E2B_API_KEY for the cloud',
    EXIT.error,
  );
}

/** Calls the control plane where the SDK has no method for it. @throws CliError with the server's own words */
export async function callControlPlane(
  connection: ConnectionOpts,
  method: string,
  path: string,
): Promise<unknown> {
  const domain = process.env['E2B_DOMAIN'] ?? 'e2b.app';
  const base = connection.apiUrl ?? process.env['E2B_API_URL'] ?? `https://api.${domain}`;
  const headers = { 'x-api-key': connection.apiKey ?? process.env['E2B_API_KEY'] ?? '' };
  const answer = await fetch(`${base}${path}`, { method, headers });
  const text = await answer.text();
  if (answer.ok) return text === '' ? undefined : JSON.parse(text);
  let message = text;
  try {
    message = (JSON.parse(text) as { message: string }).message;
  } catch {
    // Not of the control plane: told as it came.
  }
  throw new CliError('sandbox-server', message || `the server answered ${answer.status}`, EXIT.error);
}
