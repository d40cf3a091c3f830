import tab from '@bomb.sh/tab/commander';
import type { Command } from 'commander';

/** Adds `assay complete bash|zsh|fish|powershell` and the requests that the shells then send. */
export function addCompletions(program: Command): void {
  tab(program);
  program.commands
    .find((command) => command.name() === 'complete')
    ?.summary('print the completion script of a shell')
    .addHelpText('after', '\nExamples:\n  source <(assay complete bash)\n  assay complete fish | source');
}
