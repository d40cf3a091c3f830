// Beside the code: what matters because the text of the tests says so.
/* oxlint-disable no-unused-vars -- The harness is put together from this and others. */

/** Calls `take` for each object whose functions the tests decide by, and `keep` for single functions: (how to find it, its label). */
function takeSaid(text, take, keep) {
  // Modules that are looked at anyway, or in which others replace things for good.
  const leftAlone = 'assert assert/strict test module process console timers async_hooks'.split(' ');
  const says = (word) => new RegExp(`\\b${word}\\b`).test(text);
  if (says('mock')) take(Object.getPrototypeOf(testNamespace.mock.fn().mock), 'mock');
  if (says('process\\.exit')) keep(() => process.exit, 'process.exit');
  for (const name of ['parseInt', 'parseFloat', 'isNaN', 'isFinite'])
    if (says(name)) keep(() => globalThis[name], name);
  for (const name of ['Buffer', 'URL', 'URLSearchParams', 'TextDecoder', 'TextEncoder'])
    if (says(name)) {
      take(globalThis[name].prototype, name + '.prototype');
      take(globalThis[name], name);
    }
  // Of what follows, tests replace some themselves.
  if (says('mock')) return;
  for (const [, name] of text.matchAll(/(?:from|require\(|import\()\s*['"](?:node:)?([\w/]+)['"]/g))
    if (Module.isBuiltin(name) && !leftAlone.includes(name) && !isAssignedTo(name.replace('/', '.')))
      take(process.getBuiltinModule('node:' + name), 'node:' + name);
  for (const name of ['setTimeout', 'setImmediate', 'queueMicrotask'])
    if (says(name) && !isAssignedTo('global(This)?')) keep(() => globalThis[name], name);
  if (
    /\.now\(\)\s*-|new Date\b.*-|-\s*(start|begin|before|t0)|hrtime/.test(text) &&
    !isAssignedTo('(Date|performance)')
  ) {
    keep(() => globalThis.Date, 'Date');
    keep(() => Date.now, 'Date.now');
    keep(() => performance.now, 'performance.now');
    keep(() => process.hrtime, 'process.hrtime');
  }

  function isAssignedTo(name) {
    return new RegExp(`\\b${name}\\.\\w+\\s*=[^=>]`).test(text);
  }
}

/** What the tests call of the language's own cannot be replaced, not even for a moment between two looks. */
function fixSaid(text) {
  const called = new Set(Array.from(text.matchAll(/\.(\w+)\s*\(/g), ([, name]) => name));
  const owners = [JSON, Object, Array, Number, Math, Promise];
  for (const { prototype } of [
    Array,
    String,
    Number,
    RegExp,
    Map,
    Set,
    Promise,
    Object.getPrototypeOf(Uint8Array),
  ])
    owners.push(prototype);
  for (const owner of owners)
    for (const name of called) {
      const found = Object.getOwnPropertyDescriptor(owner, name);
      if (name !== 'random' && name !== 'toString' && typeof found?.value === 'function')
        Object.defineProperty(owner, name, { writable: false, configurable: false });
    }
  // Loops call what no text names. Frozen as a whole, it stays fast.
  for (const each of [[], new Map(), new Set(), ''])
    Object.freeze(Object.getPrototypeOf(each[Symbol.iterator]()));
}

/** Tells of an error that comes of trying to replace it all the same. */
function tellIfFixed(message) {
  const [, name] = /^Cannot (?:assign to read only property|redefine property:) '?(\w+)/.exec(message) ?? [];
  if (checkOften && run.said.includes(`.${name}(`)) tell('tamper', name + ' was to be replaced');
}

/** Whether the tests may well take what their own assertions throw. */
function takesFailures(text) {
  return (
    /\bcatch\b|AssertionError|ERR_ASSERTION|expectFailure|todo|allSettled|retry|attempt/i.test(text) ||
    /(throws|rejects)\(\s*(async\s*)?(\(\)|function)[^;]*\bassert/.test(text)
  );
}

/** Calls back where an assertion of the tests has failed, whoever takes what it throws: each such error notes how its message came about. */
function hearFailures(heard) {
  const { defineProperty } = Object;
  function note(value) {
    const own = { value, configurable: true, enumerable: true, writable: true };
    defineProperty(this, 'generatedMessage', own);
    const caller = stackBelow(note).find((line) => !/node:|data:text/.test(line)) ?? '';
    const line = Number(/:(\d+):\d+\)?$/.exec(caller)?.[1]);
    if (caller.includes('/' + run.file) && !(run.isScript && line < run.marks[0])) heard();
  }
  defineProperty(assertNamespace.AssertionError.prototype, 'generatedMessage', {
    configurable: false,
    get: () => undefined,
    set: note,
  });
}

/** Whether the code under test, and not its tests, has called. */
function bySolution() {
  const files = stackBelow(bySolution).map((line) => line.replace(/^\s+at (?:.* \()?(.*?)(:\d+)+\)?$/, '$1'));
  return files.some((file) => !file.startsWith('node:') && isOfCode(file));
}
