import { expect, test } from 'vitest';
import { toSarif } from '../../src/reports/sarif.ts';
import { RULES } from '../../src/validation/rules/catalogue.ts';
import { validateCode } from '../../src/validation/validate-code.ts';

test('a SARIF log names its rules and says where each finding lies', async () => {
  const { findings } = await validateCode({
    language: 'python',
    code: 'import os\nos.kill(1, 9)\nos._exit(0)',
  });
  const log = toSarif([
    { file: 'src/a b.py', findings },
    { file: 'clean.py', findings: [] },
  ]);
  expect(log).toMatchObject({ version: '2.1.0', $schema: expect.stringContaining('sarif-2.1.0') });
  const { runs } = log as {
    runs: {
      columnKind: string;
      tool: { driver: { rules: { id: string }[] } };
      results: { ruleId: string; ruleIndex: number }[];
    }[];
  };
  const [run] = runs;
  expect(run!.columnKind).toBe('utf16CodeUnits');
  expect(run!.tool.driver.rules.map((rule) => rule.id)).toEqual(RULES.map((rule) => rule.name));
  expect(run!.results).toMatchObject([
    {
      ruleId: 'no-process-tampering',
      level: 'error',
      locations: [
        {
          physicalLocation: {
            artifactLocation: { uri: 'src/a%20b.py' },
            region: { startLine: 2, startColumn: 1, endLine: 2, endColumn: 14 },
          },
        },
      ],
    },
    { ruleId: 'no-forged-verdict', level: 'warning' },
  ]);
  for (const result of run!.results) expect(run!.tool.driver.rules[result.ruleIndex]!.id).toBe(result.ruleId);
});
