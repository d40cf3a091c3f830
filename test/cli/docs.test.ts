import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.ts';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { ItemResult } from '../../src/domain/batch.ts';
import { CATEGORIES } from '../../src/domain/diagnosis.ts';
import { JobResult } from '../../src/domain/job-result.ts';
import { JobSpec } from '../../src/domain/job-spec.ts';
import { PROJECT_ROOT } from '../../src/home.ts';
import { CHANGES } from '../../src/reports/diff.ts';

const read = (path: string) => readFileSync(join(PROJECT_ROOT, path), 'utf8');
const blocks = (text: string, language: string) =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm'))].map((match) => match[1] ?? '');

const jobs = read('docs/jobs.md');
const cli = read('docs/cli.md');

test.each([...blocks(jobs, 'json'), read('examples/job.json')])('a job of the docs is a job: %#', (text) => {
  expect(JobSpec.safeParse(JSON.parse(text)).error).toBeUndefined();
});

test('the result of the docs is a result, field by field', () => {
  const [text] = blocks(jobs, 'json result');
  expect(JobResult.parse(JSON.parse(text ?? ''))).toEqual(JSON.parse(text ?? ''));
});

test('the docs name every category, command and exit code', () => {
  for (const category of CATEGORIES) expect(jobs).toContain(`\`${category}\``);
  for (const command of Object.keys(COMMANDS))
    expect(cli).toMatch(new RegExp(`^\\| \`assay ${command}`, 'm'));
  for (const code of Object.values(EXIT)) expect(cli).toMatch(new RegExp(`^\\| ${code} \\|`, 'm'));
});

test('the docs name every field of a result of a batch, and every list of changes', () => {
  const results = read('docs/results.md');
  const named = [...Object.keys(ItemResult.shape), ...CHANGES].filter((name) => name !== 'schemaVersion');
  for (const name of named) expect(results).toMatch(new RegExp(`^\\|.*\`${name}\`.*\\|.*\\|$`, 'm'));
});
