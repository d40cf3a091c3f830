import { describe, expect, test } from 'vitest';
import type { CustomPolicy } from '../../src/domain/validation-policy.ts';
import { UnknownRuleError } from '../../src/validation/policy.ts';
import { RULES } from '../../src/validation/rules/catalogue.ts';
import { validateCode } from '../../src/validation/validate-code.ts';

const rulesOf = async (
  code: string,
  policy: Parameters<typeof validateCode>[0]['policy'],
): Promise<string[]> =>
  (await validateCode({ language: 'python', code, ...(policy ? { policy } : {}) })).findings.map(
    (finding) => finding.rule,
  );

describe('a policy of one’s own', () => {
  test('starts from its preset and changes severities', async () => {
    const code = 'eval("1")\nimport os\nos._exit(0)';
    const result = await validateCode({
      language: 'python',
      code,
      policy: {
        extends: 'standard',
        rules: { 'no-eval': 'warning', 'no-forged-verdict': 'error' },
        denyImports: [],
      },
    });
    expect(result.findings).toMatchObject([
      { rule: 'no-eval', severity: 'warning' },
      { rule: 'no-forged-verdict', severity: 'error' },
    ]);
    expect(result).toMatchObject({ accepted: false, policy: 'custom (extends standard)' });
  });

  test('switches a rule off', async () => {
    expect(
      await rulesOf('eval("1")', { extends: 'strict', rules: { 'no-eval': 'off' }, denyImports: [] }),
    ).toEqual([]);
  });

  test('lists the only modules allowed', async () => {
    const policy: CustomPolicy = {
      extends: 'standard',
      rules: {},
      allowImports: ['os.path', 'numpy'],
      denyImports: [],
    };
    expect(await rulesOf('import numpy.linalg\nfrom os.path import join\nfrom . import own', policy)).toEqual(
      [],
    );
    expect(await rulesOf('import os\nimport numpyx', policy)).toEqual([
      'no-unlisted-import',
      'no-unlisted-import',
    ]);
  });

  test('forbids modules, also under a computed name', async () => {
    const policy: CustomPolicy = { extends: 'off', rules: {}, denyImports: ['torch', 'node:fs'] };
    expect(await rulesOf('import torch.nn as nn', policy)).toEqual(['no-denied-import']);
    expect(await rulesOf('__import__("to" + "rch")', policy)).toEqual(['no-denied-import']);
    const js = await validateCode({
      language: 'javascript',
      code: 'import "fs/promises"; import "fsx"',
      policy,
    });
    expect(js.findings.map((finding) => finding.rule)).toEqual(['no-denied-import']);
  });

  test('refuses a rule that does not exist and lists the names nearest to it', async () => {
    const asked = validateCode({
      language: 'python',
      code: '',
      policy: { extends: 'standard', rules: { 'no-evil': 'error' }, denyImports: [] },
    });
    await expect(asked).rejects.toThrow(UnknownRuleError);
    await expect(asked).rejects.toMatchObject({
      code: 'unknown-rule',
      message: expect.stringContaining('no-eval'),
    });
  });
});

test('every finding is about a rule of the catalogue, and every rule is complete', () => {
  expect(new Set(RULES.map((rule) => rule.name)).size).toBe(RULES.length);
  for (const rule of RULES) {
    expect(rule.name).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(rule.languages.length).toBeGreaterThan(0);
    expect(rule.summary).not.toBe('');
    expect(rule.advice).not.toBe('');
  }
});

test('findings are cut at a bound, and the rest is counted', async () => {
  const { accepted, findings } = await validateCode({
    language: 'python',
    code: 'import os\n' + 'os.kill(1, 9)\n'.repeat(500),
  });
  expect(accepted).toBe(false);
  expect(findings).toHaveLength(201);
  expect(findings.at(-1)).toMatchObject({
    rule: 'too-many-findings',
    severity: 'error',
    message: expect.stringContaining('300 more'),
  });
});
