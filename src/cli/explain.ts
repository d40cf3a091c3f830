import { Command } from 'commander';
import { addConnectionOptions } from './connection-options.ts';
import type { ConnectionOptions } from './connection-options.ts';
import { finishedResult } from './finished-result.ts';
import { jobIdFrom } from './job-id-argument.ts';
import { renderExplanation } from './render-explanation.ts';
import { withConnection } from './with-connection.ts';

/** `assay explain ID`. */
export function explainCommand(): Command {
  const command = new Command('explain')
    .summary('say why a job did not pass, and what to do')
    .description(
      'Says why a job did not pass: category, evidence with the line of code, whether a retry can help, and what to do.',
    )
    .argument('<id>', 'id or key of the job')
    .option('--json', 'print the diagnosis as one JSON document; null where the job passed')
    .addHelpText('after', '\nExample:\n  assay explain pr-812');
  return addConnectionOptions(command).action((id: string, options: ConnectionOptions & { json?: boolean }) =>
    withConnection(options, { worker: false }, async ({ assay }) => {
      const { jobSource } = await import('../client/job-source.ts');
      const result = await finishedResult(assay.jobs.get(jobIdFrom(id)));
      if (options.json) process.stdout.write(`${JSON.stringify(result.diagnosis ?? null, null, 2)}\n`);
      else process.stdout.write(`${renderExplanation(result, await jobSource(assay, result.jobId))}\n`);
    }),
  );
}
