import { Command } from 'commander';
import type { ConnectionOptions } from './connection-options.ts';
import { addConnectionOptions } from './connection-options.ts';
import { count, size } from './units.ts';
import { withConnection } from './with-connection.ts';

interface CacheOptions extends ConnectionOptions {
  json?: boolean;
}

/** `assay cache stats|clear`. */
export function cacheCommand(): Command {
  return new Command('cache')
    .summary('recorded verdicts that batches take again')
    .description(
      'Recorded verdicts, which batches take again where code, tests, limits and versions are the same.',
    )
    .addCommand(statsCommand())
    .addCommand(clearCommand())
    .addHelpText('after', '\nExamples:\n  assay cache stats\n  assay cache clear');
}

function statsCommand(): Command {
  const command = new Command('stats')
    .summary('say how many there are')
    .description('Says how many recorded verdicts there are.')
    .option('--json', 'print one JSON document');
  return addConnectionOptions(command).action((options: CacheOptions) =>
    withConnection(options, { worker: false }, async ({ assay }) => {
      const stats = await assay.recordedVerdicts.stats();
      const verdicts = Object.entries(stats.verdicts).map(([verdict, number]) => `${number} ${verdict}`);
      const line = [count(stats.records, 'recorded verdict'), size(stats.bytes), ...verdicts].join(', ');
      process.stdout.write(`${options.json ? JSON.stringify(stats) : line}\n`);
    }),
  );
}

function clearCommand(): Command {
  const command = new Command('clear')
    .summary('remove them all; batches run their items anew')
    .description('Removes all recorded verdicts; batches run their items anew.')
    .option('--json', 'print one JSON document');
  return addConnectionOptions(command).action((options: CacheOptions) =>
    withConnection(options, { worker: false }, async ({ assay }) => {
      const removed = await assay.recordedVerdicts.clear();
      const line = options.json
        ? JSON.stringify({ removed })
        : `removed ${count(removed, 'recorded verdict')}`;
      process.stdout.write(`${line}\n`);
    }),
  );
}
