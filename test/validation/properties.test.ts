import { readFileSync, readdirSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LANGUAGES, type Language } from '../../src/domain/language.ts';
import { validateCode } from '../../src/validation/validate-code.ts';

const language = fc.constantFrom(...LANGUAGES);
const folder = new URL('./fixtures/reject/', import.meta.url);
const samples = LANGUAGES.flatMap((each) =>
  readdirSync(new URL(each, folder)).map((file) => readFileSync(new URL(`${each}/${file}`, folder), 'utf8')),
);

const token = fc.constantFrom('constructor', '__proto__', 'valueOf', 'os', 'eval', '(', ')', '[', ']', '{', '}', '"', "'", '`', '\\', '\n', '\r', ' ', '\t', '+', '=', ':', ';', '.', ',', '$', '${', '$(', '|', '&', '<<', 'EOF', '#', '/', '/*', '*/', 'def f', 'lambda', 'import', 'for x in', 'if', 'f"', '=>', 'class A', '\0', '\ufeff', 'é', '😀', '\ud800', '0x1', 'rm -rf', '<a>', '%s', '@'); // prettier-ignore
const tokens = fc.array(token, { maxLength: 60 }).map((parts) => parts.join(''));
/** A sample with a stretch cut out and another one put in. */
const mutated = fc
  .tuple(fc.constantFrom(...samples), fc.nat(200), fc.nat(30), tokens)
  .map(
    ([sample, at, length, inserted]) =>
      sample.slice(0, at) + inserted.slice(0, 20) + sample.slice(at + length),
  );
const code = fc.oneof(fc.string({ unit: 'binary', maxLength: 200 }), tokens, mutated);

test('whatever the text is, the validator answers, always alike, with places inside the text', async () => {
  await fc.assert(
    fc.asyncProperty(
      language,
      code,
      fc.constantFrom('off', 'standard', 'strict'),
      async (each: Language, text, policy) => {
        const first = await validateCode({ language: each, code: text, policy });
        expect(await validateCode({ language: each, code: text, policy })).toEqual(first);
        expect(first.accepted).toBe(first.findings.every((finding) => finding.severity !== 'error'));
        const lines = text
          .replace(/^\ufeff/, '')
          .replaceAll(/\r(?!\n)/g, '\n')
          .split('\n');
        for (const { line, column, endLine, endColumn } of first.findings) {
          expect(line).toBeLessThanOrEqual(lines.length);
          expect(endLine).toBeLessThanOrEqual(lines.length);
          expect(column).toBeLessThanOrEqual(lines[line - 1]!.length + 1);
          expect(endColumn).toBeLessThanOrEqual(lines[endLine - 1]!.length + 1);
          expect(endLine > line || (endLine === line && endColumn >= column)).toBe(true);
        }
      },
    ),
    { numRuns: 400 },
  );
}, 60_000);
