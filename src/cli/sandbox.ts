import { Command } from 'commander';
import { copyCommand } from './sandbox/copy.ts';
import { execCommand } from './sandbox/exec.ts';
import {
  createCommand,
  envCommand,
  infoCommand,
  killCommand,
  listCommand,
  logsCommand,
  pauseCommand,
  resumeCommand,
} from './sandbox/manage.ts';
import { serveCommand } from './sandbox/serve.ts';
import { shellCommand } from './sandbox/shell.ts';

/** `assay sandbox serve|env|create|list|info|exec|shell|cp|logs|pause|resume|kill`. */
export function sandboxCommand(): Command {
  return new Command('sandbox')
    .summary("serve E2B's API on this machine, and work with its sandboxes")
    .description(
      "Serves E2B's API on this machine, and works with sandboxes: of that server, of a running `assay dev`, or of E2B where E2B_API_KEY is set.",
    )
    .addCommand(serveCommand())
    .addCommand(envCommand())
    .addCommand(createCommand())
    .addCommand(listCommand())
    .addCommand(infoCommand())
    .addCommand(execCommand())
    .addCommand(shellCommand())
    .addCommand(copyCommand())
    .addCommand(logsCommand())
    .addCommand(pauseCommand())
    .addCommand(resumeCommand())
    .addCommand(killCommand())
    .addHelpText(
      'after',
      '\nExamples:\n  assay sandbox serve\n  id=$(assay sandbox create)\n  assay sandbox exec $id "python3 --version"\n  assay sandbox kill $id',
    );
}
