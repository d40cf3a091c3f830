// Beside the code, before it: runs a node:test file in this process and tells of each test. Its secrets live in closures.
import * as assertNamespace from 'node:assert';
import asyncHooks from 'node:async_hooks';
import fs, { readFileSync } from 'node:fs';
import inspector from 'node:inspector';
import Module from 'node:module';
import { basename } from 'node:path';
import * as testNamespace from 'node:test';
import { pathToFileURL } from 'node:url';
import v8 from 'node:v8';

const { ASSAY_NEWS_FD, ASSAY_TEST_FILE, ASSAY_COVERAGE, ASSAY_MARKS } = process.env;
for (const name of ['ASSAY_NEWS_FD', 'ASSAY_TEST_FILE', 'ASSAY_COVERAGE', 'ASSAY_MARKS'])
  delete process.env[name];

const isScript = ASSAY_TEST_FILE.startsWith('script.');
const testText = readFileSync(ASSAY_TEST_FILE, 'utf8');
/** Whether the tests say that some of them are not to run. */
const maySkip = /\b(skip|todo|only|expectFailure)\b/.test(testText);
const stackBelow = makeStackReader();
const tell = makeReporter(Number(ASSAY_NEWS_FD));
resolveLikeTypeScript(Module.registerHooks);
const marks = markTheWay();
takeTestsOffTheDisk(Module.registerHooks, fs.rmSync);
for (const { prototype } of [asyncHooks.AsyncResource, asyncHooks.AsyncLocalStorage])
  lock(prototype, Reflect.ownKeys(prototype), 'async_hooks');
/** Set once all is in place. */
let changed;
const check = () => {
  const sentence = changed?.();
  if (sentence) tell('tamper', sentence);
};
// Where the tests replace things themselves, only the end of each is looked at.
const steady =
  !/mock|defineProperty|(Math|JSON|Object|Array|String|Number|Promise|prototype)\.\w+\s*=[^=>]/.test(
    testText,
  );
const checkOften = steady ? limited(check) : undefined;
lock(assertNamespace.default, undefined, 'assert', checkOften);
lock(assertNamespace.default.strict, undefined, 'assert', checkOften);
for (const [owner, name] of [
  [v8, 'getHeapSnapshot'],
  [v8, 'writeHeapSnapshot'],
  [inspector, 'Session'],
  [inspector, 'open'],
  [Module, 'register'],
  [Module, 'registerHooks'],
  [asyncHooks, 'executionAsyncResource'],
  [process, '_linkedBinding'],
])
  watch(owner, name);
watch(process, 'binding', ([name]) => !['inspector', 'contextify', 'v8'].includes(name));
watch(v8, 'setFlagsFromString', ([flag]) => /gc|stack/.test(flag));
hideTests();
for (const name of [
  'readFileSync',
  'readFile',
  'openSync',
  'open',
  'createReadStream',
  'copyFileSync',
  'cpSync',
  'writeFileSync',
  'rmSync',
  'unlinkSync',
  'renameSync',
  'symlinkSync',
  'linkSync',
])
  watchTests(fs, name);
for (const name of ['readFile', 'open', 'copyFile', 'cp']) watchTests(fs.promises, name);
// Without a listener, this signal opens an inspector.
process.on('SIGUSR1', () => tell('tamper', 'the code sent the signal that opens an inspector'));
Module.syncBuiltinESMExports();
changed = snapshot();

await (isScript ? runScript() : runTests());

/** Last of all: what Node itself takes down at its end, the kernel takes down in a fraction of the time. */
function endQuickly() {
  const { kill, pid } = process;
  process.on('exit', () => kill(pid, 'SIGKILL'));
}

/**
 * The test file says where it has come to, by calling a function: in a script where the code ends, and from its last line. Who calls it
 * from elsewhere has no business to.
 */
function markTheWay() {
  const lines = ASSAY_MARKS.split(',').map(Number);
  const { stripTypeScriptTypes } = Module;
  const isTypeScript = ASSAY_TEST_FILE.endsWith('.ts');
  /** Of CommonJS, Node tells the lines that TypeScript has been made into. */
  const linesAsRun = () => {
    const made = stripTypeScriptTypes(testText, { mode: 'transform', sourceMap: true });
    const marked = made.split('\n').flatMap((line, at) => (line.includes('__assayMark()') ? [at + 1] : []));
    return marked.slice(-lines.length);
  };
  const way = { lines, reached: 0 };
  Object.defineProperty(globalThis, '__assayMark', {
    value() {
      const [caller] = stackBelow(globalThis.__assayMark);
      const line = Number(/:(\d+):\d+\)?$/.exec(caller)?.[1]);
      const expected = isTypeScript && caller.includes('at Object.<anonymous>') ? linesAsRun() : way.lines;
      if (line !== expected[way.reached] || !caller.includes(ASSAY_TEST_FILE))
        tell('tamper', 'the code called a mark of the tests by itself');
      way.reached += 1;
      check();
    },
  });
  return way;
}

/**
 * Once Node has read the tests, nobody else is to, by whatever program. A file of its own is read when it first imports something, a
 * script when it is loaded; a CommonJS one is still looked for until it is compiled.
 */
function takeTestsOffTheDisk(registerHooks, remove) {
  if (/__filename|import\.meta\.(url|filename)|argv\[1\]/.test(testText)) return;
  const end = '/' + ASSAY_TEST_FILE;
  let there = true;
  const takeOff = () => {
    if (there) remove(ASSAY_TEST_FILE, { force: true });
    there = false;
  };
  const { _compile } = Module.prototype;
  Module.prototype._compile = function (text, name, ...rest) {
    if (name.endsWith(end)) takeOff();
    return Reflect.apply(_compile, this, [text, name, ...rest]);
  };
  if (!isScript)
    registerHooks({
      resolve(specifier, context, next) {
        if (there && context.parentURL?.endsWith(end)) takeOff();
        return next(specifier, context);
      },
    });
  else
    registerHooks({
      load(url, context, next) {
        const loaded = next(url, context);
        if (!url.endsWith(end)) return loaded;
        if (String(loaded.format).startsWith('module')) takeOff();
        return { ...loaded, source: testText };
      },
    });
}

/** Runs each of the first thirty times, and then each hundredth. */
function limited(run) {
  let times = 0;
  return () => {
    if (changed) times += 1;
    if (times <= 30 || times % 100 === 0) run();
  };
}

/** Imports as TypeScript's users write them: without an extension, or with the one of the compiled file. */
function resolveLikeTypeScript(registerHooks) {
  registerHooks({
    resolve(specifier, context, next) {
      try {
        return next(specifier, context);
      } catch (error) {
        if (!/^\.{1,2}\//.test(specifier)) throw error;
        const bare = specifier.replace(/\.[mc]?js$/, '');
        for (const extension of ['.ts', '.js', '.mjs', '.cjs'])
          try {
            return next(bare + extension, context);
          } catch {
            // The next one, or the first error.
          }
        throw error;
      }
    },
  });
}

async function runTests() {
  const names = [];
  let broken = false;
  tell('ready');
  const options = { files: [ASSAY_TEST_FILE], isolation: 'none', concurrency: 1 };
  if (ASSAY_COVERAGE)
    Object.assign(options, {
      coverage: true,
      coverageIncludeGlobs: ['**/*.js', '**/*.ts', '**/*.mjs', '**/*.cjs'],
      coverageExcludeGlobs: [ASSAY_TEST_FILE],
    });
  const events = testNamespace.run(options);
  for await (const { type, data } of events) {
    if (type === 'test:start') {
      names.length = data.nesting;
      names[data.nesting] = data.name;
      tell('start', names.join(' > '));
    } else if (type === 'test:pass' || type === 'test:fail') {
      told(type, data);
      check();
    } else if (type === 'test:coverage') coverage(data.summary);
  }
  check();
  if (!broken && marks.reached !== marks.lines.length)
    tell('tamper', 'the file of the tests ended before its last line');
  tell('finish');
  endQuickly();

  function told(type, data) {
    names.length = data.nesting;
    const name = [...names, data.name].join(' > ');
    const error = data.details?.error;
    const cause = error?.cause instanceof Error ? error.cause : error;
    if (type === 'test:fail' && data.nesting === 0 && basename(data.name) === ASSAY_TEST_FILE) {
      broken = true;
      return tell('error', nameOf(cause), messageOf(cause), stackOf(cause));
    }
    // A file without tests is told of as a test that passed.
    if (data.nesting === 0 && basename(data.name) === ASSAY_TEST_FILE) return;
    if (data.details?.type === 'suite' && (type === 'test:pass' || error?.failureType === 'subtestsFailed'))
      return;
    const own = (key) => (Object.hasOwn(data, key) ? data[key] : undefined);
    const skipped = own('skip') !== undefined || (own('todo') !== undefined && own('todo') !== false);
    const outcome = skipped ? 'skipped' : type === 'test:pass' ? 'passed' : 'failed';
    if (skipped && !maySkip) tell('tamper', 'the test ' + name + ' was skipped, which the tests do not say');
    const why = [data.skip, data.todo].find((reason) => typeof reason === 'string') ?? '';
    tell(
      'done',
      name,
      outcome,
      data.details?.duration_ms ?? 0,
      outcome === 'failed' ? failureOf(cause) : why,
      outcome === 'failed' ? nameOf(cause) : '',
    );
  }
}

async function runScript() {
  const started = performance.now();
  tell('ready');
  tell('start', 'script');
  try {
    await import(pathToFileURL(ASSAY_TEST_FILE));
  } catch (error) {
    tell('error', nameOf(error), messageOf(error), stackOf(error));
    process.exitCode = 1;
    return tell('finish');
  }
  check();
  if (marks.reached !== marks.lines.length) tell('tamper', 'the code ended before its tests');
  tell('done', 'script', 'passed', performance.now() - started, '', '');
  tell('finish');
  endQuickly();
}
