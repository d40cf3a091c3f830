// Beside the code, but only where Node forks for it: runs tests of its own beforehand, so that what Node loads and compiles for its first
// ones is there for each child. Nothing of any item is known yet.
/* oxlint-disable no-unused-vars -- The harness is put together from this and others. */

async function warmUp() {
  // The first round loads, the others make V8 compile what runs often.
  const [rounds, checks] = [2, 200];
  const { ASSAY_TEST_FILE: file } = process.env;
  const isScript = file.startsWith('script.');
  const { mkdtempSync, mkdirSync, rmSync, writeFileSync, openSync, closeSync } = fs;
  const folder = mkdtempSync('/tmp/assay-');
  const nobody = openSync('/dev/null', 'w');
  const listening = process.listeners('beforeExit');
  const texts = Array.from({ length: rounds }, () => trials(isScript)).flat();
  for (const [at, text] of texts.entries()) {
    const own = folder + '/' + at;
    mkdirSync(own);
    process.chdir(own);
    writeFileSync(file, text + ';globalThis.__assayMark();\n');
    writeFileSync(file.replace(/^.*\.test/, 'solution'), 'export const double = (number) => number * 2;\n');
    const last = text.split('\n').length;
    const hooks = begin({ file, news: nobody, marks: isScript ? `1,${last}` : `${last}` });
    await (isScript ? runScript() : runTests());
    run.report?.();
    for (let round = 0; round < checks; round++) changed();
    hooks?.deregister();
  }
  // The test runner's own end, which takes back what it has put in place.
  for (const end of process.listeners('beforeExit')) if (!listening.includes(end)) await end();
  process.chdir('/');
  rmSync(folder, { recursive: true });
  closeSync(nobody);
  for (const path of Object.keys(Module._cache)) if (path.startsWith(folder)) delete Module._cache[path];
  delete process.env.NODE_TEST_WORKER_ID;
  process.exitCode = undefined;
  run = {};
  changed = checkOften = undefined;
  tell = () => undefined;
  // Out of the event in which those tests came to their end: it comes but once while nothing else is to be done.
  await new Promise((done) => setImmediate(done));
}

/** Tests as most are; some fail, which has Node load more. */
function trials(isScript) {
  const body = `
    assert.equal(double(2), 4);
    assert.strictEqual(inspect([1]), '[ 1 ]');
    assert.deepEqual([{ a: 1 }, new Map([[1, 2]]), new Set('b')], [{ a: 1 }, new Map([[1, 2]]), new Set('b')]);
    assert.ok(true);
    assert.match('a', /a/);
    assert.throws(() => { throw new TypeError('no'); }, TypeError);
    for (const [one, other] of [[1, 2], ['a\\nb', 'a\\nc'], [{ a: 1 }, { a: 2 }]])
      assert.throws(() => assert.deepStrictEqual(one, other), /Expected/);
    setTimeout(() => undefined, 1);`;
  if (isScript) {
    const mark = ';globalThis.__assayMark();';
    const code = 'const double = (number) => number * 2;';
    return [
      `${mark}import assert from 'node:assert';import { inspect } from 'node:util';${code}${body}\n`,
      `${mark}const assert = require('node:assert');const { inspect } = require('node:util');${code}${body}\n`,
    ];
  }
  const suites = `
    test('a test', async (context) => {${body}
      await context.test('within', () => assert.equal(mock.fn(double)(1), 2));
      await assert.rejects(async () => { throw new Error('no'); }, { message: 'no' });
    });
    describe('a suite', () => {
      before(() => undefined);
      beforeEach(() => undefined);
      it('passes', () => assert.equal(double(1), 2));
      it('fails', () => assert.equal(double(1), 3));
      after(() => undefined);
    });`;
  const names = 'test, { after, before, beforeEach, describe, it, mock }';
  return [
    `import ${names} from 'node:test';import assert from 'node:assert/strict';
    import { inspect } from 'node:util';import { double } from './solution.js';${suites}\n`,
    `const test = require('node:test');const ${names.slice(6)} = test;const assert = require('node:assert/strict');
    const { inspect } = require('node:util');const { double } = require('./solution.js');${suites}\n`,
  ];
}
