import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { RULES } from '../../src/validation/rules/catalogue.ts';

test('the documentation lists every rule with its levels, and no other', () => {
  const page = readFileSync(new URL('../../docs/validation.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| `([a-z-]+)` \| [^|]+ \| (\w+) \| (\w+) \| (.+) \|$/gm)].map((row) =>
    row.slice(1),
  );
  expect(rows).toEqual(
    RULES.map((rule) => [rule.name, rule.levels.standard, rule.levels.strict, rule.summary]),
  );
});
