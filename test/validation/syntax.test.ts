import { describe, expect, test } from 'vitest';
import type { Language } from '../../src/domain/language.ts';
import { isSyntaxError, validateCode } from '../../src/validation/validate-code.ts';

const broken: readonly (readonly [Language, string, number, number?])[] = [
  ['python', 'x = 1\ndef f(:\n    pass\n', 2],
  ['python', 'print "hello"', 1, 1],
  ['python', 'a = 1\nexec "x"', 2, 1],
  ['python', 'x = (1,\ny = 2\n', 1],
  ['python', 'a = 1\0\n', 1, 6],
  ['python', 'for x in y\n    print(x)\n', 1],
  ['javascript', 'const x = 1;\nconst = 2;\n', 2, 7],
  ['javascript', 'function f( { return 1 }', 1],
  ['javascript', 'if (x) { y(', 1, 12],
  ['typescript', 'const x: = 1;', 1],
  ['typescript', 'interface A { b: }', 1],
  ['bash', 'if true; then echo x\n', 2],
  ['bash', 'echo "unclosed', 1],
  ['bash', 'for; do', 1],
];

describe('a syntax error', () => {
  test.each(broken)('%s: %j', async (...given) => {
    const [language, code, line, column] = given as [Language, string, number, number?];
    for (const policy of ['off', 'standard', 'strict'] as const) {
      const result = await validateCode({ language, code, policy });
      expect(result.accepted).toBe(false);
      expect(isSyntaxError(result)).toBe(true);
      const [first] = result.findings;
      expect(first).toMatchObject({ rule: 'syntax', severity: 'error', line });
      if (column !== undefined) expect(first!.column).toBe(column);
      expect(first!.message).toContain(`Line ${line}:`);
    }
  });
});

const valid: readonly (readonly [Language, string])[] = [
  ['python', ''],
  ['python', '\ufeffimport os\r\nprint(os.sep)\r\n'],
  ['python', 'print >>3'],
  ['python', 'print\nexec = 1\nprint (1)\nmatch = 1\nmatch (x)\ntype = 2\ncase = _ = 3'],
  ['python', 'f"{x!r:{width}.{digits}} {d["a"]} {f"{1}"}"'],
  ['python', 'try:\n    pass\nexcept* (A, B) as e:\n    pass'],
  ['python', 'def f(a, /, b: int = 1, *args: *Ts, c, **k) -> None: ...'],
  ['python', 'if (n := len(x)) > 1: pass'],
  ['python', 'async def f():\n    return [x async for x in y if await x]'],
  ['python', 'x = 1 if a else\\\n    2\n'],
  ['javascript', '#!/usr/bin/env node\nawait import("x"); return 1;'],
  ['javascript', 'with (Math) { x = 010 }'],
  ['javascript', 'using x = y(); class A { static { this.a = #b in this } #b = 1 }'],
  ['javascript', 'const a = <b c={1}>d</b>;'],
  ['typescript', 'const a = <b c={1}>d</b>;'],
  ['typescript', 'let a = <any>b; using c = d();'],
  ['typescript', 'export default interface A<in out T> { get x(): T; set x(v) }'],
  ['bash', ''],
  ['bash', 'echo {1..3} $((x++)) ${a[@]:1:2} <<< "x"; [[ a == b* ]] && select x in 1; do break; done'],
  ['bash', "cat <<-'A' <<B\n\tx\n\tA\ny $z\nB\n"],
];

test.each(valid)('%s is no syntax error: %j', async (language, code) => {
  expect((await validateCode({ language, code, policy: 'off' })).findings).toEqual([]);
});
