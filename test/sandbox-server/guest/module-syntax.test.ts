import { expect, test } from 'vitest';

import { rewriteModuleSyntax } from '../../../src/sandbox-server/guest/kernels/module-syntax.mjs';

test.each([
  ['import fs from "node:fs"; fs', 'const { default: fs } = await __import("node:fs"); fs'],
  ["import * as a from 'x'", 'const a = await __import("x");'],
  ['import d, * as a from "x"', 'const a = await __import("x"); const { default: d } = a;'],
  ['import d, {b as c,\n e} from "x"\nq', 'const { default: d, b: c, e } = await __import("x");\n\nq'],
  ['import "side"', 'await __import("side");'],
  [
    'import j from "./a.json" with { type: "json" }',
    'const { default: j } = await __import("./a.json", { with: { type: "json" } });',
  ],
  ['function f(){ return import("x") }', 'function f(){ return __import("x") }'],
  ['`${await import("x")} import y from "z"`', '`${await __import("x")} import y from "z"`'],
  ['import.meta.url', '__importMeta.url'],
  ['export function f(){}', 'function f(){}'],
  ['export default 5', 'var __default = 5'],
  ['export { a, b as c };', ''],
])('%j becomes what a script may say', (source, expected) => {
  expect(rewriteModuleSyntax(source)).toBe(expected);
});

test.each([
  '// import a from "b"\n/import ("x")/.test(1)',
  '/* import("x") */ 1',
  '"import a from \'b\'"',
  'foo.import("x"); important(1)',
  '({ import: 1, export: 2 })',
])('%j stays as it is', (source) => {
  expect(rewriteModuleSyntax(source)).toBe(source);
});
