import { Command } from 'commander';
import packageJson from 'assay/package.json' with { type: 'json' };
import { COMMANDS } from './commands.ts';

const EXAMPLES = `
Examples:
  assay run solve.py --tests test_solve.py     validate, execute and test a file
  assay run job.json --json                    a job as JSON, its result as JSON
  assay check solve.py                         the validator alone; needs no server
  assay dev                                    Temporal, sandboxes and a worker in one terminal

Exit codes: 0 passed, 1 failed, 2 rejected, 3 error of the world, 64 usage, 130 interrupted.`;

/** The program with the one command that `args` name loaded; the others are there by name and summary only. */
export async function programFor(args: string[]): Promise<Command> {
  const program = bareProgram();
  const wanted = args[0] === 'help' ? args[1] : args[0];
  for (const [name, group] of Object.entries(COMMANDS)) {
    if (name === wanted || wanted === 'complete') program.addCommand(await group.load());
    else program.command(name).summary(group.summary);
  }
  const { addCompletions } =
    wanted === 'complete' ? await import('./complete.ts') : { addCompletions: undefined };
  if (addCompletions) addCompletions(program);
  else program.command('complete').summary('print the completion script of a shell');
  for (const command of program.commands) quiet(command);
  return program;
}

function bareProgram(): Command {
  const program = new Command('assay')
    .description('Durable validation of AI-written code: a job in, a verdict out.')
    .version(packageJson.version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help of a command')
    .usage('<command> [options]')
    .addHelpText('after', EXAMPLES);
  quiet(program);
  return program;
}

/** Errors are thrown and told in one place, not printed by commander. */
function quiet(command: Command): void {
  command.exitOverride().configureOutput({ outputError: () => undefined });
  for (const child of command.commands) quiet(child);
}
