import { expect, test } from 'vitest';
import { collect } from '../../src/steps/collect.ts';
import { WORK_FOLDER } from '../../src/steps/work-folder.ts';
import { jobOf, stepContext, withSandboxes } from './support.ts';

const sandboxes = withSandboxes();
const sizes = { 'a.bin': 10, 'b.bin': 500, 'c.bin': 20, 'd.bin': 30 };

async function collected(caps: {
  files: number;
  totalBytes: number;
}): Promise<[string[], number | undefined]> {
  const sandbox = await sandboxes.create();
  for (const [name, size] of Object.entries(sizes))
    await sandbox.files.write(`${WORK_FOLDER}/${name}`, new Blob([new Uint8Array(size)]));
  const job = jobOf({ language: 'python', code: 'pass', artifacts: ['*.bin'] });
  const { artifacts, omitted } = await collect(sandbox, job, stepContext(), caps);
  return [artifacts.map(({ path }) => path), omitted];
}

test.each([
  ['as many files as may be', { files: 4, totalBytes: 560 }, ['a.bin', 'b.bin', 'c.bin', 'd.bin'], undefined],
  ['one file too many', { files: 3, totalBytes: 10_000 }, ['a.bin', 'b.bin', 'c.bin'], 1],
  ['a file too large, and others that fit', { files: 10, totalBytes: 60 }, ['a.bin', 'c.bin', 'd.bin'], 1],
  ['a byte too much', { files: 10, totalBytes: 559 }, ['a.bin', 'b.bin', 'c.bin'], 1],
])('%s', async (_, caps, kept, omitted) => {
  expect(await collected(caps)).toEqual([kept, omitted]);
});

test('more than 1000 files', async () => {
  const sandbox = await sandboxes.create();
  await sandbox.commands.run(
    `mkdir -p ${WORK_FOLDER} && cd ${WORK_FOLDER} && touch $(seq -f 'f%04g.txt' 1 1003)`,
  );
  const job = jobOf({ language: 'python', code: 'pass', artifacts: ['*.txt'] });
  const { artifacts, omitted } = await collect(sandbox, job, stepContext());
  expect([artifacts.length, artifacts.at(-1)?.path, omitted]).toEqual([1000, 'f1000.txt', 3]);
});
