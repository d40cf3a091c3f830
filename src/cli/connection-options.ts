import type { Command } from 'commander';

/** Where to find the server and the store. What is not given comes from the environment, a running `assay dev`, or a stack of the command's own. */
export interface ConnectionOptions {
  address?: string;
  namespace?: string;
  profile?: string;
  taskQueue?: string;
  store?: string;
}

/** Adds the options of every command that needs a server. */
export function addConnectionOptions(command: Command): Command {
  return command
    .option(
      '--address <host:port>',
      'Temporal server (default: as the environment says, else a running assay dev)',
    )
    .option('--namespace <name>', 'Temporal namespace')
    .option('--profile <name>', 'profile of temporal.toml')
    .option('--task-queue <name>', 'task queue of the worker (default: assay)')
    .option('--store <url>', 'where files and artifacts lie');
}
