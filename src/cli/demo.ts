import { join } from 'node:path';
import { Command } from 'commander';
import type { JobResult } from '../domain/job-result.ts';
import { CliError } from './cli-error.ts';
import type { Connection } from './connection.ts';
import { DEMO_JOBS } from './demo-jobs.ts';
import type { DemoJob } from './demo-jobs.ts';
import { EXIT } from './exit-codes.ts';
import { Interrupt } from './interrupt.ts';
import { saveArtifacts } from './save-artifacts.ts';
import { style, styledVerdict } from './style.ts';
import { table } from './table.ts';
import { duration } from './units.ts';

interface DemoOptions {
  keep?: boolean;
}

/** A job of the demo with how it ended. */
interface Outcome {
  job: DemoJob;
  result: JobResult;
  shown: string | undefined;
}

/** `assay demo`: five real jobs. */
export function demoCommand(): Command {
  return new Command('demo')
    .summary('run five real jobs from examples/')
    .description(
      'Runs five real jobs from examples/ on a running assay dev, or on a stack that it starts and stops, and shows their verdicts.',
    )
    .option('--keep', 'leave the stack running until Ctrl-C, to look around in')
    .addHelpText('after', '\nExamples:\n  assay demo\n  assay demo --keep')
    .action(demo);
}

async function demo({ keep }: DemoOptions): Promise<void> {
  using interrupt = new Interrupt();
  const { signal } = interrupt;
  const [{ Listr }, { connectHere }, { runDemoJob }] = await Promise.all([
    import('listr2'),
    import('./connection.ts'),
    import('./run-demo-job.ts'),
  ]);
  const startedAt = performance.now();
  let connection: Connection | undefined;
  try {
    const outcomes: Outcome[] = [];
    await new Listr(
      [
        {
          title: 'Temporal, sandboxes and a worker',
          task: async (_, task) => {
            connection = await connectHere({}, { kind: keep ? 'dev' : 'command', silent: true, signal });
            task.title += connection.embedded ? ' started' : ': those of the running assay dev';
          },
        },
        {
          title: 'Five jobs at once',
          task: (_, task) =>
            task.newListr(
              DEMO_JOBS.map((job) => ({
                title: job.title,
                task: async (_context, line) => {
                  // Without a terminal there is no line to write over, so that only the remarkable is told.
                  const tell = (what: string, remarkable = false) => {
                    if (remarkable || process.stdout.isTTY) line.output = what;
                  };
                  const result = await runDemoJob(job, connection!, { signal, tell });
                  outcomes[DEMO_JOBS.indexOf(job)] = { job, result, shown: job.shows(result) };
                },
              })),
              { concurrent: true, rendererOptions: { collapseSubtasks: false } },
            ),
        },
      ],
      // Ctrl-C is ours to handle: everything that was started is to be stopped.
      { registerSignalListeners: false },
    ).run();
    const folder = join(connection!.assay.config.home, 'demo');
    const saved = await saveAll(outcomes, connection!, folder);
    process.stdout.write(
      `\n${report(outcomes)}\n\nArtifacts\n${saved.map((path) => `  ${path}`).join('\n')}\n\n`,
    );
    process.stdout.write(`${webUi(connection!, keep === true)}\n`);
    process.stdout.write(
      style(
        'dim',
        `✓ is the verdict that a job is there to show. Five jobs and all around them took ${duration(performance.now() - startedAt)}.`,
      ) + '\n',
    );
    if (keep && connection!.embedded) await untilAborted(signal);
    refuseUnexpected(outcomes);
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    await connection?.close();
  }
}

async function saveAll(outcomes: Outcome[], { assay }: Connection, folder: string): Promise<string[]> {
  const saved: string[] = [];
  for (const { job, result } of outcomes)
    saved.push(
      ...(await saveArtifacts(result, assay.store, { folder: join(folder, job.folder), force: true })),
    );
  return saved;
}

function report(outcomes: Outcome[]): string {
  const rows = outcomes.map(({ job, result, shown }) => [
    isExpected({ job, result, shown }) ? style('green', '✓') : style('red', '✗'),
    job.title,
    styledVerdict(result.verdict),
    duration(result.durationMs),
    shown ?? style('red', 'not as expected'),
    result.jobId,
  ]);
  return table(
    [
      { title: '' },
      { title: 'JOB' },
      { title: 'VERDICT' },
      { title: 'TOOK', align: 'right' },
      { title: 'WHAT TO SEE' },
      { title: 'ID' },
    ],
    rows,
  );
}

function isExpected({ job, result, shown }: Outcome): boolean {
  return result.verdict === job.expected && shown !== undefined;
}

function refuseUnexpected(outcomes: Outcome[]): void {
  const wrong = outcomes.filter((outcome) => !isExpected(outcome));
  if (wrong.length === 0) return;
  const what = wrong.map(
    ({ job, result }) => `${job.folder} is ${result.verdict} and not ${job.expected} as it should be`,
  );
  throw new CliError('demo-unexpected', `${what.join('; ')}; assay explain ID says why`, EXIT.failed);
}

function webUi({ embedded, uiUrl }: Connection, keep: boolean): string {
  if (!embedded) return `Web UI: ${uiUrl}`;
  if (keep)
    return `Web UI: ${uiUrl}\nAll of it runs on, and assay commands in other terminals use it; Ctrl-C stops it.`;
  return 'Web UI: bin/assay dev starts it again, with these jobs in it (or npm run demo -- --keep, to stay in it).';
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
