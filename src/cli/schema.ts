import { Argument, Command } from 'commander';

/** `assay schema job|result`. */
export function schemaCommand(): Command {
  return new Command('schema')
    .summary('print the JSON Schema of a job or of its result')
    .description('Prints the JSON Schema (2020-12) of a job as you write it, or of its result, on stdout.')
    .addArgument(new Argument('<what>', 'which schema').choices(['job', 'result']))
    .addHelpText(
      'after',
      '\nExamples:\n  assay schema job > job.schema.json\n  assay schema result | jq .properties',
    )
    .action(async (what: 'job' | 'result') => {
      const { jobSpecSchema, jobResultSchema } = await import('../domain/json-schema.ts');
      process.stdout.write(
        `${JSON.stringify(what === 'job' ? jobSpecSchema() : jobResultSchema(), null, 2)}\n`,
      );
    });
}
