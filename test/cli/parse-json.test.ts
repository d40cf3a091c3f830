import { expect, test } from 'vitest';
import { parseJson } from '../../src/cli/parse-json.ts';

test.each([
  ['{"a":}', "job.json:1:6: not valid JSON: unexpected token '}'"],
  ['{\n  "a": 1,\n}', 'job.json:3:1: not valid JSON: expected double-quoted property name'],
  [
    '{\n  "language": "python"\n  "code": "x"\n}',
    "job.json:3:3: not valid JSON: expected ',' or '}' after property value",
  ],
  ['{\n  "a": tru}', "job.json:2:11: not valid JSON: unexpected token '}'"],
  ['[1, 2', "job.json:1:6: not valid JSON: expected ',' or ']' after array element"],
  ['', 'job.json:1:1: not valid JSON: the text ends too early'],
  ['{"a": 1}\n}', 'job.json:2:1: not valid JSON: unexpected non-whitespace character after JSON'],
  [`{"a": "${'x'.repeat(5000)}",\n "b": 'c'}`, "job.json:2:7: not valid JSON: unexpected token '''"],
])('a fault is told with its line and column: case %$', (text, message) => {
  expect(() => parseJson(text, 'job.json')).toThrow(expect.objectContaining({ message, exitCode: 64 }));
});

test('good JSON is parsed', () => {
  expect(parseJson('{"a": [1, "é"]}', 'x')).toEqual({ a: [1, 'é'] });
});
