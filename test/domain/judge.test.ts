import { describe, expect, test } from 'vitest';
import { CODE_ADVICE, diagnoseFault, diagnoseTrouble } from '../../src/domain/diagnose.ts';
import { CODE_CATEGORIES } from '../../src/domain/diagnosis.ts';
import { judge } from '../../src/domain/judge.ts';
import type { Evidence } from '../../src/domain/judge.ts';

const fault = { category: 'assertion', evidence: 'assert 3 == 4', sentence: '1 of 2 tests failed' } as const;
const trouble = { step: 'test', trouble: { type: 'sandbox-lost', message: 'gone' } } as const;
const tests = { tests: { passed: 2, total: 2 } };

describe('the verdict of an attempt', () => {
  const cases: [string, Evidence, string, string | undefined][] = [
    ['tests that all pass', { tests }, 'passed', undefined],
    ['code that runs to its end', { execution: {} }, 'passed', undefined],
    ['a test that fails', { tests: { ...tests, fault } }, 'failed', 'assertion'],
    [
      'code that raises',
      { execution: { fault: { ...fault, category: 'exception' } } },
      'failed',
      'exception',
    ],
    [
      'a rejection',
      { validation: { verdict: 'rejected', fault: { ...fault, category: 'policy' } } },
      'rejected',
      'policy',
    ],
    [
      'a syntax error',
      { validation: { verdict: 'failed', fault: { ...fault, category: 'syntax' } } },
      'failed',
      'syntax',
    ],
    ['trouble', { trouble }, 'error', 'sandbox-lost'],
    [
      'trouble after tests that passed',
      { tests, trouble: { ...trouble, step: 'collect' } },
      'error',
      'sandbox-lost',
    ],
    ['trouble after a fault', { execution: { fault }, trouble }, 'failed', 'assertion'],
    [
      'a template that does not load',
      { trouble: { step: 'open', trouble: { type: 'broken-template', message: '' } } },
      'error',
      'template',
    ],
    ['trouble while opening', { trouble: { ...trouble, step: 'open' } }, 'error', 'sandbox-start'],
    ['nothing at all', {}, 'error', 'unknown'],
  ];
  test.each(cases)('%s', (_, evidence, verdict, category) => {
    const judgement = judge(evidence);
    expect(judgement.verdict).toBe(verdict);
    expect(judgement.diagnosis?.category).toBe(category);
    expect(judgement.ended).not.toBe('');
  });
});

describe('a diagnosis', () => {
  test.each(CODE_CATEGORIES)('%s has advice of its own', (category) => {
    const { advice, retryHelps, evidence } = diagnoseFault({ ...fault, category });
    expect(advice).toBe(CODE_ADVICE[category]?.advice);
    expect(advice).toMatch(/^[A-Z].*\.$/);
    expect(retryHelps).toBe(category === 'timeout' || category === 'memory');
    expect(evidence).toBe('assert 3 == 4');
  });

  test.each([
    ["ModuleNotFoundError: No module named 'solution'", 'one of its names'],
    ["Error: MODULE_NOT_FOUND Cannot find module 'solution'", 'one of its names'],
    [
      "Error: ERR_MODULE_NOT_FOUND Cannot find module '/work/solution.mjs' imported from x",
      'one of its names',
    ],
    ["ModuleNotFoundError: No module named 'solutions'", 'another module'],
  ])('of tests that import %s says by what the code is imported', (evidence, what) => {
    const { advice } = diagnoseFault({ ...fault, category: 'import', evidence });
    expect(advice.includes('`pytest` imports `solution`')).toBe(what === 'one of its names');
  });

  test('of trouble says whether a retry can help', () => {
    expect(diagnoseTrouble(trouble.trouble, 'test')).toMatchObject({
      category: 'sandbox-lost',
      retryHelps: true,
    });
    expect(diagnoseTrouble({ type: 'bad-key', message: '401' }, 'open')).toMatchObject({
      category: 'auth',
      evidence: '401',
      retryHelps: false,
    });
  });
});
