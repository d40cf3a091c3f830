import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
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
  ['livecodebench', 'livecodebench.jsonl', ['sum-of-two', 'longest-run']],
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
  ['mbpp', ' [{"task_id":1},', /line 1 is no JSON/],
  ['mbpp', '[{"task_id":1,"code":"","test_list":["x"]}, 7]', /line 2: /],
  [
    'livecodebench',
    '{"question_id":1,"code":"x","private_test_cases":"eJxr"}',
    /must be cases, JSON of cases, or that packed/,
  ],
  [
    'livecodebench',
    '{"question_id":1,"code":"x","public_test_cases":[{"input":"","output":"","testtype":"functional"}]}',
    /has functional cases, and no metadata/,
  ],
])('%s: %s is refused with its line', async (format, line, sentence) => {
  const file = join(tempFolder(), 'data.jsonl');
  writeFileSync(file, line);
  const { code, stderr } = await assay(['batch', 'import', format, file]);
  expect({ code, stderr }).toEqual({ code: 64, stderr: expect.stringMatching(sentence) });
});

test('one JSON array is as good as lines, and MBPP+ brings its own tests', async () => {
  const file = join(tempFolder(), 'sanitized.json');
  const task = { task_id: 7, code: 'x = 1', test_imports: ['import math'], test_list: ['assert x'] };
  writeFileSync(file, JSON.stringify([task, { ...task, task_id: 8, test: 'assert x == 1' }], null, 2));
  expect((await imported('mbpp', file)).map(({ id, tests }) => [id, tests])).toEqual([
    ['MBPP/7', { kind: 'script', code: 'import math\nassert x\n' }],
    ['MBPP/8', { kind: 'script', code: 'import math\nassert x == 1\n' }],
  ]);
});

test('a sample is a completion of the prompt, or a whole solution', async () => {
  const file = join(tempFolder(), 'samples.json');
  const solution = 'def clamp(value, low, high):\n    return 1\n';
  writeFileSync(file, JSON.stringify([{ task_id: 'Sample/0', completion: '    return 0\n', solution }]));
  const items = await imported('humaneval', join(SAMPLES, 'humaneval.jsonl'), '--samples', file);
  expect(items.map(({ id }) => id)).toEqual(['Sample/0#0', 'Sample/0#1']);
  expect(items[0]?.['code']).toMatch(/^def clamp.*\n.*The value.*\n {4}return 0\n$/);
  expect(items[1]?.['code']).toBe(solution);
});

/** Cases as LiveCodeBench packs them, by the program that it uses. */
function packed(expression: string): string {
  const program = `import base64, json, os, pickle, zlib\nprint(base64.b64encode(zlib.compress(${expression})).decode())`;
  return execFileSync('python3', ['-c', program], { encoding: 'utf8', maxBuffer: 1e9 }).trim();
}

test.each([0, 1, 2, 3, 4, 5])('packed cases are read: protocol %i of pickle', async (protocol) => {
  const file = join(tempFolder(), 'data.jsonl');
  for (const text of ['"é" * 10', '"ü" * 100', '"long" * 100_000']) {
    const cases = packed(
      `pickle.dumps(json.dumps([dict(input=${text}, output="1", testtype="stdin")]), protocol=${protocol})`,
    );
    writeFileSync(file, JSON.stringify({ question_id: 1, code: 'x', private_test_cases: cases }));
    // Protocol 0 is text, which nobody packs by.
    if (protocol === 0) expect((await assay(['batch', 'import', 'livecodebench', file])).code).toBe(64);
    else {
      const whole = expect.stringMatching(/^(é{10}|ü{100}|(long){100000})$/);
      expect(await imported('livecodebench', file)).toMatchObject([{ tests: { cases: [{ stdin: whole }] } }]);
    }
  }
});

test.each([
  'pickle.dumps(os.getcwd)',
  'pickle.dumps(["[]"])',
  'pickle.dumps("[]") + b"."',
  'pickle.dumps("[]")[:-1]',
  'b"X\\xff\\xff\\xff\\x7f[]."',
  'b""',
])('what is packed and no text is refused: %s', async (expression) => {
  const file = join(tempFolder(), 'data.jsonl');
  writeFileSync(file, JSON.stringify({ question_id: 1, code: 'x', private_test_cases: packed(expression) }));
  const { code, stderr } = await assay(['batch', 'import', 'livecodebench', file]);
  expect({ code, stderr }).toEqual({ code: 64, stderr: expect.stringContaining('must be cases') });
});

test('what is no gzip file is told', async () => {
  const file = join(tempFolder(), 'data.jsonl.gz');
  writeFileSync(file, 'plain');
  const { code, stderr } = await assay(['batch', 'import', 'mbpp', file]);
  expect({ code, stderr }).toEqual({ code: 64, stderr: expect.stringContaining('is no gzip file') });
});

test('a file of items is written whole, or left as it was', async () => {
  const folder = tempFolder();
  const [bad, out] = [join(folder, 'bad.jsonl'), join(folder, 'items.jsonl')];
  writeFileSync(bad, '{"task_id":1,"code":"x","test_list":["y"]}\n{\n');
  writeFileSync(out, 'as before');
  const into = (file: string, path: string) => assay(['batch', 'import', 'mbpp', file, '--out', path]);
  expect(await into(bad, out)).toMatchObject({ code: 64 });
  expect(readFileSync(out, 'utf8')).toBe('as before');
  const good = join(SAMPLES, 'mbpp.jsonl');
  expect(await into(good, out)).toEqual({ code: 0, stdout: '', stderr: '' });
  expect(readFileSync(out, 'utf8').trim().split('\n')).toHaveLength(2);
  const pipe = join(folder, 'pipe');
  execFileSync('python3', ['-c', 'import os, sys; os.mkfifo(sys.argv[1])', pipe]);
  const [read] = await Promise.all([readFile(pipe, 'utf8'), into(good, pipe)]);
  expect(read).toBe(readFileSync(out, 'utf8'));
  const nowhere = await into(good, join(folder, 'none/items.jsonl'));
  expect(nowhere).toMatchObject({ code: 64, stderr: expect.stringContaining('is no folder') });
});
