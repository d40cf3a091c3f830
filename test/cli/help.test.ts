import { expect, test } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.ts';
import { assay } from '../support/assay.ts';

test('help names every command', async () => {
  const { code, stdout } = await assay(['--help']);
  expect(code).toBe(0);
  for (const name of Object.keys(COMMANDS)) expect(stdout).toMatch(new RegExp(`^  ${name} `, 'm'));
});

test('no command at all is a matter of usage, and shows the help', async () => {
  const { code, stdout, stderr } = await assay([]);
  expect({ code, stdout }).toEqual({ code: 64, stdout: '' });
  expect(stderr).toContain('Usage: assay <command>');
});

test.each(Object.keys(COMMANDS))('%s has help, with examples', async (name) => {
  const { code, stdout } = await assay([name, '--help']);
  expect(code).toBe(0);
  expect(stdout).toContain(`Usage: assay ${name}`);
  expect(stdout).toMatch(/Examples?:\n {2}assay /);
});

test.each(['job', 'result'])('schema %s prints a JSON Schema', async (what) => {
  const { code, stdout } = await assay(['schema', what]);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ $schema: expect.stringContaining('2020-12'), type: 'object' });
});

test.each(['bash', 'zsh', 'fish', 'powershell'])('there is a completion script for %s', async (shell) => {
  const { code, stdout } = await assay(['complete', shell]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/assay['"]? complete ['"]?--/);
});

test('completions know commands, options and their choices', async () => {
  expect((await assay(['complete', '--', 'ch'])).stdout).toMatch(/^check\t/m);
  expect((await assay(['complete', '--', 'jobs', 'w'])).stdout).toMatch(/^watch\t/m);
  expect((await assay(['complete', '--', 'run', '--det'])).stdout).toMatch(/^--detach\t/m);
  expect((await assay(['complete', '--', 'check', '--language', 'ty'])).stdout).toMatch(/^typescript/m);
});
