import { EXIT } from './exit-codes.ts';
import { Interrupt } from './interrupt.ts';
import { programFor } from './program.ts';
import { reportError } from './report-error.ts';

/** Runs the CLI: parses, acts, tells errors in one sentence, and leaves the exit code. */
async function main(args: string[]): Promise<void> {
  let readerGone = false;
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') process.exit(reportError(error));
      readerGone = true;
      if (!Interrupt.readerGone()) process.exit(EXIT.readerGone);
    });
  process.on('uncaughtException', (error) => process.exit(reportError(error)));
  try {
    const program = await programFor(args);
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    process.exitCode = reportError(error);
  }
  // Connections of libraries may linger; what is to be said has been said once both streams are flushed.
  await Promise.all(
    [process.stdout, process.stderr].map((stream) => new Promise((done) => stream.write('', done))),
  );
  if (readerGone) process.exitCode = EXIT.readerGone;
  process.exit();
}

await main(process.argv.slice(2));
