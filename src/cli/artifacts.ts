import { Command } from 'commander';
import type { Artifact, JobResult } from '../domain/job-result.ts';
import { UsageError } from './cli-error.ts';
import { addConnectionOptions } from './connection-options.ts';
import type { ConnectionOptions } from './connection-options.ts';
import { jobIdFrom } from './job-id-argument.ts';
import { finishedResult } from './finished-result.ts';
import { printableLine } from './printable.ts';
import { saveArtifacts } from './save-artifacts.ts';
import { table } from './table.ts';
import { size } from './units.ts';
import { withConnection } from './with-connection.ts';

interface GetOptions extends ConnectionOptions {
  all?: boolean;
  out: string;
  force?: boolean;
}

/** `assay artifacts list|get`. */
export function artifactsCommand(): Command {
  return new Command('artifacts')
    .summary('list and fetch the files that a job left')
    .description(
      'The files that a job left: those that its `artifacts` name, and outputs that were too long for the result.',
    )
    .addCommand(listCommand())
    .addCommand(getCommand())
    .addHelpText(
      'after',
      '\nExamples:\n  assay artifacts list pr-812\n  assay artifacts get pr-812 --all --out charts',
    );
}

function listCommand(): Command {
  const command = new Command('list')
    .summary('list the artifacts of a job')
    .description('Lists the artifacts of a job with their sizes and where they lie in the store.')
    .argument('<id>', 'id or key of the job')
    .option('--json', 'print one JSON array')
    .addHelpText('after', '\nExample:\n  assay artifacts list pr-812');
  return addConnectionOptions(command).action((id: string, options: ConnectionOptions & { json?: boolean }) =>
    withConnection(options, { worker: false }, async ({ assay }) => {
      const { artifacts } = await finishedResult(assay.jobs.get(jobIdFrom(id)));
      process.stdout.write(`${options.json ? JSON.stringify(artifacts, null, 2) : rendered(artifacts)}\n`);
    }),
  );
}

function rendered(artifacts: Artifact[]): string {
  if (artifacts.length === 0) return 'no artifacts';
  const rows = artifacts.map(({ path, bytes, ref }) => [
    printableLine(path),
    size(bytes),
    printableLine(ref),
  ]);
  return table([{ title: 'PATH' }, { title: 'SIZE', align: 'right' }, { title: 'REFERENCE' }], rows);
}

function getCommand(): Command {
  const command = new Command('get')
    .summary('write artifacts into a folder')
    .description(
      'Writes artifacts into a folder, never outside it, and never over other files unless --force is given.',
    )
    .argument('<id>', 'id or key of the job')
    .argument('[path]', 'which one; --all for all of them')
    .option('--all', 'all artifacts of the job')
    .option('-o, --out <folder>', 'where to', '.')
    .option('--force', 'replace files that are there already')
    .addHelpText(
      'after',
      '\nExamples:\n  assay artifacts get pr-812 out/chart.png\n  assay artifacts get pr-812 --all --out charts',
    );
  return addConnectionOptions(command).action((id: string, path: string | undefined, options: GetOptions) => {
    if ((path === undefined) === !options.all)
      throw new UsageError('say which artifact: give its path, or --all');
    return withConnection(options, { worker: false }, async ({ assay }) => {
      const result = await finishedResult(assay.jobs.get(jobIdFrom(id)));
      const only = path === undefined ? result.artifacts : [artifactOf(result, path)];
      const saved = await saveArtifacts(result, assay.store, {
        folder: options.out,
        force: options.force,
        only,
      });
      process.stdout.write(`${saved.map(printableLine).join('\n')}${saved.length > 0 ? '\n' : ''}`);
      if (saved.length === 0) process.stderr.write('assay: the job left no artifacts\n');
    });
  });
}

function artifactOf({ artifacts, jobId }: JobResult, path: string): Artifact {
  const found = artifacts.find((artifact) => artifact.path === path);
  if (found) return found;
  const paths = artifacts.slice(0, 10).map((artifact) => printableLine(artifact.path));
  const known =
    paths.length === 0 ? 'it left none' : `it left ${paths.join(', ')}${artifacts.length > 10 ? ', …' : ''}`;
  throw new UsageError(`${jobId} has no artifact ${path}; ${known}`);
}
