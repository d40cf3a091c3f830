import { Command } from 'commander';
import { expect, test } from 'vitest';
import { addSpecOptions } from '../../src/cli/run-options.ts';

function parsed(...args: string[]): Record<string, unknown> {
  const command = addSpecOptions(new Command('run'))
    .exitOverride()
    .configureOutput({ outputError: () => undefined });
  return command.parse(args, { from: 'user' }).opts();
}

test('numbers, lists and labels are read', () => {
  expect(
    parsed(
      '--timeout',
      '1.5',
      '--memory',
      '64',
      '-f',
      'a',
      '-f',
      'b=c',
      '-a',
      '*.png',
      '--label',
      'team=a=b',
    ),
  ).toMatchObject({
    timeout: 1.5,
    memory: 64,
    file: ['a', 'b=c'],
    artifact: ['*.png'],
    label: { team: 'a=b' },
  });
});

test.each([
  ['--timeout', '-5', 'from 0.1 to 86400'],
  ['--timeout', '', 'from 0.1 to 86400'],
  ['--timeout', 'soon', 'from 0.1 to 86400'],
  ['--memory', '64.5', 'whole number from 32'],
  ['--memory', '1e3', 'whole number from 32'],
  ['--coverage-lines', '101', 'from 0 to 100'],
  ['--attempts', '0', 'from 1 to 100'],
  ['--label', 'team', 'name=value'],
  ['--kind', 'jest', 'pytest, node, script, io'],
  ['--language', 'ruby', 'python, javascript, typescript, bash'],
])('%s %j is refused: %s', (option, value, why) => {
  expect(() => parsed(option, value)).toThrow(why);
});
