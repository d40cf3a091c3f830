// A warm job on the embedded stack, beside the same steps without Temporal and a plain script over the bare SDK that runs pytest as a
// command. All on the same sandbox server, in turn, so that the machine's drift hits each alike.
import { parseArgs } from 'node:util';
import { Sandbox } from '@e2b/code-interpreter';
import { Assay } from '../src/client.ts';
import { parseSpec, prepareJob } from '../src/client/prepare-job.ts';
import { startStack } from '../src/embedded/stack.ts';
import { execute } from '../src/steps/execute.ts';
import { runTests } from '../src/steps/run-tests.ts';
import { validate } from '../src/steps/validate.ts';
import { percentiles, printFigures, timeMs } from './figures.ts';

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '40' }, warmup: { type: 'string', default: '5' } },
});

const code = 'def add(a, b):\n    return a + b\n';
const tests = `from solution import add

def test_small():
    assert add(1, 2) == 3

def test_zero():
    assert add(0, 0) == 0
`;
const spec = { language: 'python', code, tests: { kind: 'pytest', code: tests } } as const;

const stack = await startStack({ ephemeral: true });
try {
  const { temporal, sandbox, storeUrl, taskQueue } = stack.config;
  await using assay = await Assay.connect({ ...temporal, storeUrl, taskQueue });
  const connection = { ...sandbox, retries: 0 };
  const input = await prepareJob(parseSpec(spec), assay.store, { jobId: 'bench', indexed: false });
  const context = { store: assay.store, signal: new AbortController().signal };

  const rows: Record<string, { work: () => Promise<void>; durationsMs: number[] }> = {
    'Assay: one durable job': {
      durationsMs: [],
      work: async () => {
        const { verdict } = await assay.jobs.run(spec);
        if (verdict !== 'passed') throw new Error(`the job has ${verdict}`);
      },
    },
    'the same steps, bare SDK, no Temporal': {
      durationsMs: [],
      work: async () => {
        await validate(input, context);
        const box = await Sandbox.create('default', connection);
        const executed = await execute(box, input, context);
        const tested = await runTests(box, input, context);
        await box.kill();
        if (executed.fault || tested.fault)
          throw new Error(executed.fault?.sentence ?? tested.fault?.sentence);
      },
    },
    'a script: runCode, then `python -m pytest`': {
      durationsMs: [],
      work: async () => {
        const box = await Sandbox.create('default', connection);
        await box.runCode(code);
        await box.files.write([
          { path: 'solution.py', data: code },
          { path: 'test_solution.py', data: tests },
        ]);
        await box.commands.run('python3 -m pytest -q -p no:cacheprovider test_solution.py');
        await box.kill();
      },
    },
  };

  const runs = Number(values.runs);
  for (let run = -Number(values.warmup); run < runs; run++) {
    for (const row of Object.values(rows)) {
      const durationMs = await timeMs(row.work);
      if (run >= 0) row.durationsMs.push(durationMs);
    }
  }
  printFigures(Object.fromEntries(Object.entries(rows).map(([what, row]) => [what, row.durationsMs])));
  const [job, steps] = Object.values(rows).map((row) => row.durationsMs);
  const extra = (job ?? []).map((durationMs, run) => durationMs - (steps?.[run] ?? Number.NaN));
  console.log(
    `\nWhat Temporal adds, run by run: p50 ${percentiles(extra).p50.toFixed(1)} ms (goal: at most 80)`,
  );
} finally {
  await stack.stop();
}
