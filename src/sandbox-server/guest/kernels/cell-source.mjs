// From a cell to the script that V8's REPL mode evaluates.

import { stripTypeScriptTypes } from 'node:module';
import vm from 'node:vm';

import { rewriteModuleSyntax } from './module-syntax.mjs';

export function cellSource(code, isTypeScript) {
  return asExpression(code, isTypeScript) ?? asScript(code, isTypeScript);
}

function asScript(code, isTypeScript) {
  return rewriteModuleSyntax(isTypeScript ? withoutTypes(code) : code);
}

function withoutTypes(code) {
  try {
    return stripTypeScriptTypes(code);
  } catch {
    return stripTypeScriptTypes(code, { mode: 'transform' });
  }
}

/** A cell that is an object literal is one, and no block, as in other consoles; undefined for any other cell. */
function asExpression(code, isTypeScript) {
  if (!/^\s*\{/.test(code) || /;\s*$/.test(code)) return undefined;
  try {
    const expression = asScript(`(${code}\n)`, isTypeScript);
    const whole = new vm.Script(`async () => ${expression}`);
    return whole && expression;
  } catch {
    return undefined;
  }
}
