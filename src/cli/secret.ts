import { Command } from 'commander';
import { Secret, type SecretInfo } from 'e2b';
import { UsageError } from './cli-error.ts';
import { print } from './print.ts';
import { printableLine } from './printable.ts';
import { readText } from './read-input.ts';
import { nameValue } from './run-options.ts';
import { addSandboxOptions, sandboxConnection, type SandboxConnectionOptions } from './sandbox/connection.ts';
import { table } from './table.ts';
import { utcTime } from './units.ts';

interface SecretOptions extends SandboxConnectionOptions {
  metadata?: Record<string, string>;
  json?: boolean;
}

/** `assay secret create|update|list|remove`. */
export function secretCommand(): Command {
  return new Command('secret')
    .summary('keep, change, list and remove secrets, whose values are never shown')
    .description('Secrets are named values that are kept for sandboxes and never shown.')
    .addCommand(writeCommand('create', 'keep a secret and print its id', Secret.create.bind(Secret)))
    .addCommand(writeCommand('update', 'give a secret a new value', Secret.update.bind(Secret)))
    .addCommand(listCommand())
    .addCommand(removeCommand())
    .addHelpText('after', '\nExamples:\n  assay secret create api-key < key.txt\n  assay secret list');
}

type Write = (name: string, value: string, options: object) => Promise<SecretInfo>;

function writeCommand(name: string, summary: string, write: Write): Command {
  const command = new Command(name)
    .summary(summary)
    .description(
      `${summary[0]?.toUpperCase()}${summary.slice(1)}. The value comes from stdin, where no list of processes shows it; a newline at its end is not part of it.`,
    )
    .argument('<name>', 'name of the secret')
    .option('--metadata <name=value>', 'what is told with it; may be repeated', nameValue)
    .option('--json', 'print what is known of it as JSON');
  return addSandboxOptions(command).action(async (secret: string, options: SecretOptions) => {
    const value = (await readText('-', 'the secret')).replace(/\r?\n$/, '');
    const { metadata } = options;
    const info = await write(secret, value, { ...sandboxConnection(options), ...(metadata && { metadata }) });
    print(options.json ? JSON.stringify(info, null, 2) : info.secretId);
  });
}

function listCommand(): Command {
  const command = new Command('list')
    .summary('list secrets')
    .description('Lists secrets, newest first.')
    .option('--json', 'print one JSON array');
  return addSandboxOptions(command).action(async (options: SecretOptions) => {
    const pages = Secret.list(sandboxConnection(options));
    const found: SecretInfo[] = [];
    while (pages.hasNext) found.push(...(await pages.nextItems()));
    if (options.json) return print(JSON.stringify(found, null, 2));
    const rows = found.map(({ name, secretId, version, updatedAt }) => [
      printableLine(name),
      secretId,
      String(version),
      utcTime(updatedAt),
    ]);
    print(rows.length === 0 ? 'no secrets' : table(['SECRET', 'ID', 'VERSION', 'UPDATED (UTC)'], rows));
  });
}

function removeCommand(): Command {
  const command = new Command('remove')
    .summary('remove secrets')
    .description('Removes secrets with all their versions.')
    .argument('<name...>', 'names or ids of secrets');
  return addSandboxOptions(command).action(async (names: string[], options: SecretOptions) => {
    for (const name of names) {
      const removed = await Secret.destroy(name, sandboxConnection(options));
      if (!removed) throw new UsageError(`there is no secret ${printableLine(name)}`);
      print(name);
    }
  });
}
