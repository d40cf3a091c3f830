import { expect, test } from 'vitest';
import { detectLanguage } from '../../src/validation/detect-language.ts';

test.each([
  ['a.py', '', 'python'],
  ['dir/a.MJS', '', 'javascript'],
  ['a.tsx', '', 'typescript'],
  ['a.sh', '#!/usr/bin/env python3', 'bash'],
  ['-', '#!/usr/bin/env python3\n', 'python'],
  ['run', '#!/bin/sh -e\n', 'bash'],
  ['run', '\ufeff#!/usr/bin/env -S node --x\n', 'javascript'],
  ['run', 'x = 1', undefined],
  ['a.constructor', '', undefined],
])('%s %j is %s', (name, code, language) => {
  expect(detectLanguage(name, code)).toBe(language);
});
