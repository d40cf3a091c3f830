// Beside the code: notices what the code has no business with.
/* oxlint-disable no-unused-vars -- The harness is put together from this and others. */
import * as strictNamespace from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import inspector from 'node:inspector';
import { Readable } from 'node:stream';
import v8 from 'node:v8';

/** What tests lean on, as it is now. For the text of tests, answers a function that names the first thing that is not so any more. */
function snapshot() {
  const { getOwnPropertyDescriptor, getPrototypeOf, is } = Object;
  const { hasInstance } = Symbol;
  let entries = [];
  let kept = [];
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
    'Float64Array',
    'ArrayBuffer',
    'Date',
    'TypeError',
    'RangeError',
    'SyntaxError',
    'ReferenceError',
    'AggregateError',
  ]) {
    if (name !== 'Date') {
      entries.push([globalThis, name, globalThis[name], undefined, name]);
      take(globalThis[name], name, ['random', 'prepareStackTrace']);
    }
    if (globalThis[name].prototype) take(globalThis[name].prototype, name + '.prototype');
  }
  for (const each of [[], new Map(), new Set(), '', 'a'.matchAll(/a/g)])
    take(Object.getPrototypeOf(each[Symbol.iterator]()), 'iterator');
  take(Object.getPrototypeOf(Uint8Array.prototype), 'TypedArray.prototype');
  for (const each of [(function* () {})(), (async function* () {})()])
    take(Object.getPrototypeOf(Object.getPrototypeOf(each)), 'generator');
  entries.push([globalThis, 'structuredClone', structuredClone, undefined, 'structuredClone']);
  const assert = assertNamespace.default;
  take(assert, 'assert');
  take(assert.strict, 'assert.strict');
  take(assert.AssertionError.prototype, 'AssertionError.prototype');
  if (assert.Assert) take(assert.Assert.prototype, 'Assert.prototype');
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
  const always = entries;
  // What only some tests decide by.
  const takeMore = (text) => {
    // What the tests put in its place themselves is theirs.
    const assigned = new Set(Array.from(text.matchAll(/([A-Z]\w+(?:\.\w+)+)\s*=[^=>]/g), ([, path]) => path));
    entries = always.filter((entry) => !assigned.has(entry[4]));
    kept = [];
    takeSaid(text, take, (find, label) => kept.push([find, find(), label]));
  };
  const exit = process.reallyExit;
  const { hasOwn } = Object;
  // What test runners ask objects for.
  const asked =
    'skip todo only timeout plan expectFailure type failureType details error get set value toJSON'.split(
      ' ',
    );
  // By a method of their own, classes of errors could pass for each other.
  const classes = [Error, TypeError, RangeError, SyntaxError, ReferenceError, Map, Set, Array, Promise];
  const parents = classes.map(Object.getPrototypeOf);
  const protos = classes.map((each) => Object.getPrototypeOf(each.prototype));
  const firstChanged = () => {
    for (let at = 0; at < asked.length; at++)
      if (hasOwn(Object.prototype, asked[at])) return 'Object.prototype.' + asked[at] + ' was added';
    for (let at = 0; at < classes.length; at++)
      if (
        hasOwn(classes[at], hasInstance) ||
        getPrototypeOf(classes[at]) !== parents[at] ||
        getPrototypeOf(classes[at].prototype) !== protos[at]
      )
        return classes[at].name + ' passes for another class';
    for (let at = 0; at < entries.length; at++) {
      const entry = entries[at];
      const found = getOwnPropertyDescriptor(entry[0], entry[1]);
      if (!found || !is(found.value, entry[2]) || (entry[3] !== undefined && !is(found.get, entry[3])))
        return entry[4] + ' was replaced';
    }
    for (let at = 0; at < kept.length; at++)
      if (!is(kept[at][0](), kept[at][1])) return kept[at][2] + ' was replaced';
    return process.reallyExit === exit ? undefined : 'process.reallyExit was replaced';
  };
  return (text) => (takeMore(text), firstChanged);
}

/** Watches what would show the code the runner's secrets, or the file of its tests. */
function watchAll() {
  for (const [owner, name] of [
    [v8, 'getHeapSnapshot'],
    [v8, 'writeHeapSnapshot'],
    [v8, 'setHeapSnapshotNearHeapLimit'],
    [v8, 'queryObjects'],
    [inspector, 'Session'],
    [inspector, 'open'],
    [Module, 'register'],
    [Module, 'registerHooks'],
    [asyncHooks, 'executionAsyncResource'],
    [process, '_linkedBinding'],
  ])
    watch(owner, name);
  watch(process, 'binding', ([name]) => !['inspector', 'contextify', 'v8'].includes(name));
  // What they share with Node's own modules, which look their functions up there, nobody changes.
  replace(process, 'binding', (args) => args, Object.freeze);
  watch(testNamespace.default.assert, 'register', () => !bySolution());
  watch(v8, 'setFlagsFromString', ([flag]) => /gc|stack/.test(flag));
  for (const name of ['_load', '_resolveFilename', 'isBuiltin']) lock(Module, [name], 'Module');
  lock(Module.prototype, ['require'], 'Module.prototype');
  keepWorkersOut();
  const reachFiles =
    'readFileSync readFile openSync open createReadStream copyFileSync cpSync writeFileSync rmSync unlinkSync renameSync symlinkSync linkSync';
  for (const name of reachFiles.split(' ')) watchTests(fs, name);
  for (const name of ['readFile', 'open', 'copyFile', 'cp']) watchTests(fs.promises, name);
}

/** Tells when the code uses what would show it the runner's secrets; tests that say so may. */
function watch(owner, name, harmless = () => false) {
  if (typeof owner[name] !== 'function') return;
  replace(owner, name, (args) => {
    if ((!run.text?.includes(name) || byCode()) && !harmless(args)) tell('tamper', 'the code used ' + name);
    return args;
  });
}

/**
 * By a function that nobody can look into, as into a proxy; `see` answers the arguments, `give` what a function returns. What it makes does
 * not lead back to it.
 */
function replace(owner, name, see, give = (made) => made) {
  const original = owner[name];
  const { apply, construct, ownKeys } = Reflect;
  const { defineProperty, getOwnPropertyDescriptor } = Object;
  const isClass = original.prototype !== undefined;
  const value = isClass
    ? function (...args) {
        const seen = see(args);
        return new.target
          ? construct(original, seen, new.target === value ? original : new.target)
          : give(apply(original, this, seen));
      }
    : {
        [name](...args) {
          return give(apply(original, this, see(args)));
        },
      }[name];
  Object.setPrototypeOf(value, Object.getPrototypeOf(original));
  for (const key of ownKeys(original)) defineProperty(value, key, getOwnPropertyDescriptor(original, key));
  if (isClass && original.prototype?.constructor === original) original.prototype.constructor = value;
  owner[name] = value;
}

/**
 * A worker has modules of its own, by which it could look into this thread; so could its own workers. `guard` is the text of all this, and
 * there in workers alone. Node waits for what it is told to import only where the worker is a file.
 */
function keepWorkersOut(guard = undefined) {
  const builtin = process.getBuiltinModule;
  if (guard) {
    const { binding } = process;
    process.binding = (name) => binding(name === 'inspector' ? 'none' : name);
    delete builtin('node:inspector').Session.prototype.connectToMainThread;
  }
  const text = guard ?? `{ const replace = ${replace}; const keepWorkersOut = ${keepWorkersOut};`;
  const first = (text + `keepWorkersOut(${JSON.stringify(text)}); }`).replaceAll('\n', ' ');
  const imported = 'data:text/javascript,' + encodeURIComponent(first);
  replace(builtin('node:worker_threads'), 'Worker', ([file, options]) => {
    if (options?.eval) return [first + file, options];
    const flags =
      options?.execArgv ?? process.execArgv.filter((flag) => /^--(no-w|experimental-)/.test(flag));
    return [file, { ...options, execArgv: [...flags, '--import', imported] }];
  });
  builtin('node:module').syncBuiltinESMExports();
}

/** Tells when a function that decides, such as an assertion, is replaced, even if it is put back before anybody looks. The tests may. */
function lock(owner, keys = Object.keys(owner), label = 'assert', used = () => {}) {
  const define = Object.defineProperty;
  for (const key of keys) {
    let { value, enumerable } = Object.getOwnPropertyDescriptor(owner, key);
    if (typeof value !== 'function' || key === 'constructor') continue;
    Object.defineProperty(owner, key, {
      configurable: false,
      enumerable,
      get() {
        used();
        return value;
      },
      set(other) {
        // What only inherits from it may have its own.
        if (this !== owner)
          define(this, key, { value: other, writable: true, enumerable: true, configurable: true });
        else if (!run.isScript && run.text.includes(`${label}.${String(key)} =`)) value = other;
        else if (other !== value) tell('tamper', label + '.' + String(key) + ' was replaced');
      },
    });
  }
}

/** Reads the lines of the stack below a function, however the code has stacks prepared. */
function makeStackReader() {
  const { captureStackTrace } = Error;
  const { set } = Reflect;
  return (below) => {
    const site = {};
    const limit = Error.stackTraceLimit;
    set(Error, 'stackTraceLimit', 10); // Frozen by some, and nothing by others.
    const prepare = Object.getOwnPropertyDescriptor(Error, 'prepareStackTrace');
    if (prepare) delete Error.prepareStackTrace;
    captureStackTrace(site, below);
    const lines = site.stack.split('\n').slice(1);
    set(Error, 'stackTraceLimit', limit);
    if (prepare) Object.defineProperty(Error, 'prepareStackTrace', prepare);
    return lines;
  };
}

/** Tells when the code reads or changes the file of its tests; Node itself may. */
function watchTests(owner, name) {
  replace(owner, name, (args) => {
    const [given] = args;
    const path = typeof given === 'number' || given === undefined ? '' : String(given);
    if (path.endsWith(run.file) && byCode())
      tell('tamper', 'the code reached for the file of its tests by ' + name);
    if (/\/proc\/.*\bmem\W*$/.test(path)) tell('tamper', 'the code opened the memory of a process');
    return args;
  });
}

/** Whether the function that called the caller is not one of Node's own. */
function byCode() {
  const [, , caller = ''] = stackBelow(byCode);
  const isOfTests = !run.isScript && caller.includes('/' + run.file);
  return caller !== '' && !isOfTests && !caller.includes('(node:') && !caller.includes('at node:');
}
