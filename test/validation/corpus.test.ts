import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { LANGUAGES } from '../../src/domain/language.ts';
import { validateCode } from '../../src/validation/validate-code.ts';

const FIXTURES = fileURLToPath(new URL('./fixtures', import.meta.url));

/** A file of `reject` is named after the rule that must object to it: `no-hidden-name.base64.py`. */
const filesOf = (kind: string, language: string): string[] => readdirSync(`${FIXTURES}/${kind}/${language}`);

for (const language of LANGUAGES) {
  describe(`${language}: ordinary programs pass \`standard\``, () => {
    test.each(filesOf('accept', language))('%s', async (file) => {
      const code = readFileSync(`${FIXTURES}/accept/${language}/${file}`, 'utf8');
      const { accepted, findings } = await validateCode({ language, code, policy: 'standard' });
      expect(findings.filter((finding) => finding.severity === 'error')).toEqual([]);
      expect(accepted).toBe(true);
    });
  });

  describe(`${language}: attacks are rejected by \`standard\``, () => {
    test.each(filesOf('reject', language))('%s', async (file) => {
      const code = readFileSync(`${FIXTURES}/reject/${language}/${file}`, 'utf8');
      const { accepted, findings } = await validateCode({ language, code, policy: 'standard' });
      expect(
        findings.filter((finding) => finding.severity === 'error').map((finding) => finding.rule),
      ).toContain(file.split('.')[0]);
      expect(accepted).toBe(false);
    });
    test.each(filesOf('reject', language))('%s passes `off`, which has no rules', async (file) => {
      const code = readFileSync(`${FIXTURES}/reject/${language}/${file}`, 'utf8');
      expect((await validateCode({ language, code, policy: 'off' })).findings).toEqual([]);
    });
  });
}

test('the corpus has not shrunk', () => {
  const count = (kind: string): number => LANGUAGES.flatMap((language) => filesOf(kind, language)).length;
  expect(count('accept')).toBeGreaterThanOrEqual(54);
  expect(count('reject')).toBeGreaterThanOrEqual(172);
});
