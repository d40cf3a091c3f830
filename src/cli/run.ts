import { Command, Option } from 'commander';
import type { JobResult } from '../domain/job-result.ts';
import { UsageError } from './cli-error.ts';
import type { Connection } from './connection.ts';
import { addConnectionOptions } from './connection-options.ts';
import type { ConnectionOptions } from './connection-options.ts';
import { exitCodeOf } from './exit-codes.ts';
import { followJob } from './follow-job.ts';
import { uploadFiles } from './input-files.ts';
import { patientSpec } from './patient-spec.ts';
import { readSpec } from './read-spec.ts';
import { renderResult } from './render-result.ts';
import { printableLine } from './printable.ts';
import { addSpecOptions } from './run-options.ts';
import type { SpecOptions } from './run-options.ts';
import { saveArtifacts } from './save-artifacts.ts';
import { style } from './style.ts';
import { jobUrl } from './web-ui.ts';
import { withConnection } from './with-connection.ts';

interface RunOptions extends SpecOptions, ConnectionOptions {
  out?: string;
  force?: boolean;
  json?: boolean;
  detach?: boolean;
}

const NEEDS_LASTING =
  '--detach leaves the job to a server that outlives this command, and none is running; start assay dev in another terminal, or give --address';

/** `assay run FILE|JOB.json|-`. */
export function runCommand(): Command {
  const command = new Command('run')
    .summary('run code as a durable job and show its verdict')
    .description('Validates, executes and tests code in a sandbox, as a durable job, and shows the verdict.')
    .argument('<file>', 'file with code, a job as .json, or - for stdin');
  addSpecOptions(command)
    .option('-o, --out <folder>', 'write the artifacts into this folder')
    .option('--force', 'let --out replace files that are there already')
    .option('--json', 'print the result as one JSON document')
    .addOption(new Option('-d, --detach', 'start the job, print its id and leave').conflicts('out'));
  return addConnectionOptions(command)
    .addHelpText(
      'after',
      `
Examples:
  assay run hello.py
  assay run solve.py --tests test_solve.py --coverage-lines 80
  assay run chart.py --file sales.csv --artifact "out/*.png" --out charts
  assay run job.json --json | jq .verdict
  echo 'print(6 * 7)' | assay run - --language python

Exit codes: 0 passed, 1 failed, 2 rejected, 3 error of the world, 64 usage, 130 interrupted.`,
    )
    .action(run);
}

async function run(file: string, options: RunOptions): Promise<void> {
  if (options.force && options.out === undefined) throw new UsageError('--force goes with --out');
  const spec = await readSpec(file, options);
  await withConnection(
    options,
    options.detach ? { lasting: NEEDS_LASTING } : {},
    async (connection, signal) => {
      const { assay } = connection;
      const handle = await assay.jobs.start(await uploadFiles(patientSpec(spec, connection), assay));
      if (options.detach) return tellStarted(handle.jobId, connection, options);
      if (!handle.started)
        process.stderr.write(`assay: ${handle.jobId} was started before by the same key; this is that job\n`);
      const result = await followJob(handle, signal, {
        quiet: options.json && !process.stderr.isTTY,
        onInterrupt: handle.started ? 'cancel' : 'leave',
      });
      await tellResult(result, connection, options);
      process.exitCode = exitCodeOf(result.verdict);
    },
  );
}

function tellStarted(jobId: string, connection: Connection, { json }: RunOptions): void {
  process.stdout.write(`${json ? JSON.stringify({ jobId }) : jobId}\n`);
  if (json) return;
  const url = jobUrl(connection, jobId);
  process.stderr.write(
    `assay: started; assay jobs watch ${jobId} follows it${url ? `, and so does ${url}` : ''}\n`,
  );
}

async function tellResult(
  result: JobResult,
  connection: Connection,
  { json, out, force }: RunOptions,
): Promise<void> {
  const saved =
    out === undefined ? [] : await saveArtifacts(result, connection.assay.store, { folder: out, force });
  if (json) {
    process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
    return;
  }
  const url = connection.embedded ? undefined : jobUrl(connection, result.jobId);
  const after = [
    ...saved.map((path) => `wrote ${printableLine(path)}`),
    ...(url ? [`${style('bold', 'Web UI')} ${url}`] : []),
  ];
  process.stdout.write(`${[renderResult(result), ...(after.length > 0 ? ['', ...after] : [])].join('\n')}\n`);
}
