// Beside the code, before it: runs a node:test file in this process and tells of each test. Its secrets live in closures.
import * as assertNamespace from 'node:assert';
import asyncHooks from 'node:async_hooks';
import * as strictNamespace from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import fs, { closeSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import inspector from 'node:inspector';
import Module from 'node:module';
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import * as testNamespace from 'node:test';
import { pathToFileURL } from 'node:url';
import v8 from 'node:v8';

const { ASSAY_NEWS_FD, ASSAY_TEST_FILE, ASSAY_COVERAGE, ASSAY_LAST_LINE } = process.env;
for (const name of ['ASSAY_NEWS_FD', 'ASSAY_TEST_FILE', 'ASSAY_COVERAGE', 'ASSAY_LAST_LINE'])
  delete process.env[name];

/** Whether the tests say that some of them are not to run. */
const maySkip = /\b(skip|todo|only|expectFailure)\b/.test(readFileSync(ASSAY_TEST_FILE, 'utf8'));
const stackBelow = makeStackReader();
const tell = makeReporter(Number(ASSAY_NEWS_FD));
resolveLikeTypeScript(Module.registerHooks);
for (const { prototype } of [asyncHooks.AsyncResource, asyncHooks.AsyncLocalStorage])
  lock(prototype, Reflect.ownKeys(prototype), 'async_hooks');
lock(assertNamespace.default);
lock(assertNamespace.default.strict);
const changed = snapshot();
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
])
  watchTests(fs, name);
for (const name of ['readFile', 'open', 'copyFile', 'cp']) watchTests(fs.promises, name);
// Without a listener, this signal opens an inspector.
process.on('SIGUSR1', () => tell('tamper', 'the code sent the signal that opens an inspector'));
Module.syncBuiltinESMExports();

await (ASSAY_TEST_FILE.startsWith('script.') ? runScript() : runTests());

function makeReporter(fd) {
  const nonce = randomHex();
  const write = writeSync;
  const apply = Reflect.apply;
  const charCodeAt = String.prototype.charCodeAt;
  const substring = String.prototype.substring;
  const slice = (text, from) => apply(substring, text, [from]);
  let count = 0;
  write(fd, nonce + '\n');
  // Python's literals, from primitives alone: nothing that the code could have replaced is called.
  const literal = (value) => {
    if (typeof value === 'number') return value === value && value - value === 0 ? '' + value : '0';
    const text = '' + value;
    let quoted = "'";
    for (let at = 0; at < text.length && at < 6000; at++) {
      const code = apply(charCodeAt, text, [at]);
      if (code === 39 || code === 92) quoted += '\\' + text[at];
      else if (code < 32 || code > 126)
        quoted += '\\u' + hex(code >> 12) + hex(code >> 8) + hex(code >> 4) + hex(code);
      else quoted += text[at];
    }
    return quoted + "'";
  };
  const hex = (digit) => '0123456789abcdef'[digit & 15];
  return (...news) => {
    let line = nonce + ' ' + count + ' (';
    for (let at = 0; at < news.length; at++) line += literal(news[at]) + ',';
    count += 1;
    line += ')\n';
    // ASCII only, so characters are bytes.
    for (let sent = 0; sent < line.length;) sent += write(fd, slice(line, sent));
  };
}

/** Loading `node:crypto` for it would take 3 ms. */
function randomHex() {
  const bytes = Buffer.alloc(16);
  const fd = openSync('/dev/urandom');
  readSync(fd, bytes, 0, 16, null);
  closeSync(fd);
  return bytes.toString('hex');
}

/** Last of all: what Node itself takes down at its end, the kernel takes down in a fraction of the time. */
function endQuickly() {
  const { kill, pid } = process;
  process.on('exit', () => kill(pid, 'SIGKILL'));
}

/** What tests lean on, as it is now; the function returned names the first thing that is not so any more. */
function snapshot() {
  const { getOwnPropertyDescriptor, is } = Object;
  const entries = [];
  const take = (owner, path, left = []) => {
    for (const key of Reflect.ownKeys(owner)) {
      if (left.includes(key)) continue;
      const found = getOwnPropertyDescriptor(owner, key);
      if (typeof (found.value ?? found.get) === 'function')
        entries.push([owner, key, found.value, found.get, path + '.' + String(key)]);
    }
  };
  for (const name of [
    'Object',
    'Function',
    'Array',
    'String',
    'Number',
    'Boolean',
    'Symbol',
    'BigInt',
    'Math',
    'JSON',
    'Promise',
    'Map',
    'Set',
    'WeakMap',
    'WeakSet',
    'RegExp',
    'Error',
    'Reflect',
    'Uint8Array',
    'ArrayBuffer',
  ]) {
    entries.push([globalThis, name, globalThis[name], undefined, name]);
    take(globalThis[name], name, ['random']);
    if (globalThis[name].prototype) take(globalThis[name].prototype, name + '.prototype');
  }
  const assert = assertNamespace.default;
  take(assert, 'assert');
  take(assert.strict, 'assert.strict');
  take(assert.AssertionError.prototype, 'AssertionError.prototype');
  take(testNamespace.default, 'node:test');
  take(EventEmitter.prototype, 'EventEmitter.prototype');
  take(Readable.prototype, 'Readable.prototype');
  take(Module, 'Module', ['register', 'registerHooks']);
  take(Module.prototype, 'Module.prototype');
  for (const [namespace, path] of [
    [assertNamespace, 'assert'],
    [strictNamespace, 'assert/strict'],
    [testNamespace, 'node:test'],
  ])
    for (const key of Object.keys(namespace))
      entries.push([namespace, key, namespace[key], undefined, path + '.' + key]);
  const exit = process.reallyExit;
  const { hasOwn } = Object;
  // What test runners ask objects for.
  const asked =
    'skip todo only timeout plan expectFailure type failureType details error get set value'.split(' ');
  return () => {
    for (let at = 0; at < asked.length; at++)
      if (hasOwn(Object.prototype, asked[at])) return 'Object.prototype.' + asked[at] + ' was added';
    for (let at = 0; at < entries.length; at++) {
      const entry = entries[at];
      const found = getOwnPropertyDescriptor(entry[0], entry[1]);
      if (!found || !is(found.value, entry[2]) || (entry[3] !== undefined && !is(found.get, entry[3])))
        return entry[4] + ' was replaced';
    }
    return process.reallyExit === exit ? undefined : 'process.reallyExit was replaced';
  };
}

/** Tells when the code uses what would show it the runner's secrets. */
function watch(owner, name, harmless = () => false) {
  const original = owner[name];
  if (typeof original !== 'function') return;
  const said = (args) => harmless(args) || tell('tamper', 'the code used ' + name);
  owner[name] = new Proxy(original, {
    apply: (target, self, args) => (said(args), Reflect.apply(target, self, args)),
    construct: (target, args, made) => (said(args), Reflect.construct(target, args, made)),
  });
}

/** Tells when a function that decides, such as an assertion, is replaced, even if it is put back before anybody looks. */
function lock(owner, keys = Object.keys(owner), label = 'assert') {
  const define = Object.defineProperty;
  for (const key of keys) {
    const { value, enumerable } = Object.getOwnPropertyDescriptor(owner, key);
    if (typeof value !== 'function' || key === 'constructor') continue;
    Object.defineProperty(owner, key, {
      configurable: false,
      enumerable,
      get: () => value,
      set(other) {
        // What only inherits from it may have its own.
        if (this !== owner)
          define(this, key, { value: other, writable: true, enumerable: true, configurable: true });
        else if (other !== value) tell('tamper', label + '.' + String(key) + ' was replaced');
      },
    });
  }
}

/** Reads the lines of the stack below a function, however the code has stacks prepared. */
function makeStackReader() {
  const { captureStackTrace } = Error;
  return (below) => {
    const site = {};
    const prepare = Object.getOwnPropertyDescriptor(Error, 'prepareStackTrace');
    if (prepare) delete Error.prepareStackTrace;
    captureStackTrace(site, below);
    const lines = site.stack.split('\n').slice(1);
    if (prepare) Object.defineProperty(Error, 'prepareStackTrace', prepare);
    return lines;
  };
}

/** Tells when the code reads the file of its tests; Node itself may. */
function watchTests(owner, name) {
  const original = owner[name];
  owner[name] = new Proxy(original, {
    apply(target, self, args) {
      const path = typeof args[0] === 'string' || args[0] instanceof URL ? String(args[0]) : '';
      if (path.endsWith(ASSAY_TEST_FILE) && byCode())
        tell('tamper', 'the code read the file of its tests by ' + name);
      return Reflect.apply(target, self, args);
    },
  });
}

/** Whether the function that called the caller is not one of Node's own. */
function byCode() {
  const [, caller = ''] = stackBelow(byCode);
  return caller !== '' && !caller.includes('(node:') && !caller.includes('at node:');
}

/** Whoever follows asynchronous resources does not get hold of the tests among them. */
function hideTests() {
  const { createHook } = asyncHooks;
  asyncHooks.createHook = (callbacks) => {
    const init = callbacks?.init;
    if (typeof init !== 'function') return createHook(callbacks);
    return createHook({
      ...callbacks,
      init: (id, type, trigger, resource) =>
        Reflect.apply(init, callbacks, [id, type, trigger, 'reportStarted' in resource ? {} : resource]),
    });
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
  const check = () => {
    const sentence = changed();
    if (sentence) tell('tamper', sentence);
  };
  const names = [];
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
  tell('finish');
  endQuickly();

  function told(type, data) {
    names.length = data.nesting;
    const name = [...names, data.name].join(' > ');
    const error = data.details?.error;
    const cause = error?.cause instanceof Error ? error.cause : error;
    if (type === 'test:fail' && data.nesting === 0 && basename(data.name) === ASSAY_TEST_FILE)
      return tell('error', nameOf(cause), messageOf(cause), stackOf(cause));
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

function coverage({ files, workingDirectory }) {
  let text = '';
  for (const file of files) {
    const missing = file.lines.filter((line) => line.count === 0).map((line) => line.line);
    const path = file.path.startsWith(workingDirectory)
      ? file.path.slice(workingDirectory.length + 1)
      : file.path;
    text +=
      JSON.stringify([
        path,
        file.coveredLineCount,
        file.totalLineCount,
        file.coveredBranchCount,
        file.totalBranchCount,
        missing.slice(0, 500),
      ]) + '\n';
    if (text.length > 5000) break;
  }
  tell('coverage-json', text);
}

async function runScript() {
  const started = performance.now();
  const lastLine = Number(ASSAY_LAST_LINE);
  let reached = 0;
  Object.defineProperty(globalThis, '__assayReachedEnd', {
    value() {
      const [caller] = stackBelow(globalThis.__assayReachedEnd);
      const line = Number(/:(\d+):\d+\)?$/.exec(caller)?.[1]);
      if (line !== lastLine) tell('tamper', 'the code called the mark at the end of the tests by itself');
      reached += 1;
    },
  });
  tell('ready');
  tell('start', 'script');
  try {
    await import(pathToFileURL(ASSAY_TEST_FILE));
  } catch (error) {
    tell('error', nameOf(error), messageOf(error), stackOf(error));
    process.exitCode = 1;
    return tell('finish');
  }
  const sentence = changed();
  if (sentence) tell('tamper', sentence);
  if (reached !== 1) tell('tamper', 'the code ended before its tests');
  tell('done', 'script', 'passed', performance.now() - started, '', '');
  tell('finish');
  endQuickly();
}

function nameOf(error) {
  if (error?.code === 'ERR_ASSERTION') return 'AssertionError';
  return typeof error?.name === 'string' ? error.name : typeof error;
}
function messageOf(error) {
  const message = typeof error?.message === 'string' ? error.message : String(error);
  return typeof error?.code === 'string' && !message.includes(error.code) && error.code !== 'ERR_ASSERTION'
    ? error.code + ' ' + message
    : message;
}
function stackOf(error) {
  return typeof error?.stack === 'string' ? error.stack : '';
}
function failureOf(error) {
  const stack = stackOf(error)
    .split('\n')
    .filter((line) => !/^\s+at .*(node:internal|node:async_hooks|data:text\/javascript)/.test(line))
    .join('\n');
  return stack || messageOf(error);
}
