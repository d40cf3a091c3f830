// Beside the code: the files of its tests, as they are found, followed and taken away.
/* oxlint-disable no-unused-vars -- The harness is put together from this and others. */

/**
 * The test file says where it has come to, by calling a function: in a script where the code ends, and from its last line. Who calls it
 * from elsewhere has no business to.
 */
function defineMark() {
  const { stripTypeScriptTypes } = Module;
  const real = { process, Object, Number, Array, String, JSON, setTimeout, setImmediate };
  const textOf = Function.prototype.call.bind(Function.prototype.toString);
  const requireText = textOf(Module.createRequire('/x.js'));
  const cache = Module._cache;
  const isReal = (name, value) =>
    name === 'require'
      ? value === 0 || (typeof value === 'function' && textOf(value) === requireText && value.cache === cache)
      : real[name]
        ? value === real[name]
        : textOfTests().includes(textOf(value));
  /** Of CommonJS, Node tells the lines that TypeScript has been made into. */
  const linesAsRun = () => {
    const made = stripTypeScriptTypes(run.text, { mode: 'transform', sourceMap: true });
    const marked = made.split('\n').flatMap((line, at) => (line.includes('__assayMark(') ? [at + 1] : []));
    return marked.slice(-run.marks.length);
  };
  /** Made once, however many functions the tests have. */
  let testsAsRun;
  const textOfTests = () => {
    if (!run.file.endsWith('.ts')) return run.said;
    testsAsRun ??= stripTypeScriptTypes(run.text, { mode: 'transform' });
    return testsAsRun.slice(testsAsRun.indexOf('__assayMark('));
  };
  Object.defineProperty(globalThis, '__assayMark', {
    value(shown) {
      const [caller] = stackBelow(globalThis.__assayMark);
      const line = Number(/:(\d+):\d+\)?$/.exec(caller)?.[1]);
      const compiled = run.file.endsWith('.ts') && caller.includes('at Object.<anonymous>');
      const expected = compiled ? linesAsRun() : run.marks;
      if (line !== expected[run.reached] || !caller.includes(run.file))
        tell('tamper', 'the code called a mark of the tests by itself');
      for (const name in shown)
        if (!isReal(name, shown[name])) tell('tamper', 'the tests took ' + name + ' from the code');
      if (run.isScript && run.reached === 0) {
        const name = nameOfTests(run.text.slice(0, -run.said.length), run.said);
        if (name) tell('tamper', 'the code uses ' + name + ', which is for the tests to say');
      }
      run.reached += 1;
      check();
    },
  });
}

/**
 * Once Node has read the tests, nobody else is to, by whatever program. A file of its own is read when it first imports something, a
 * script when it is loaded; a CommonJS one is still looked for until it is compiled.
 */
function makeTestsGo() {
  const { registerHooks } = Module;
  const { rmSync } = fs;
  const takeOff = () => {
    if (run.there) rmSync(run.file, { force: true });
    run.there = false;
  };
  const { _compile } = Module.prototype;
  Module.prototype._compile = function (text, name, ...rest) {
    const isOfTests = name.endsWith('/' + run.file);
    if (run.there && isOfTests) takeOff();
    // With its prefix, a module of Node's is looked for in no cache.
    const made = isOfTests
      ? text.replace(/\brequire\((['"])(assert|util|events)\b/g, 'require($1node:$2')
      : text;
    return Reflect.apply(_compile, this, [made, name, ...rest]);
  };
  return () => {
    if (!run.there) return undefined;
    const { text, isScript } = run;
    const end = '/' + run.file;
    if (!isScript)
      return registerHooks({
        resolve(specifier, context, next) {
          if (run.there && context.parentURL?.endsWith(end)) takeOff();
          return next(specifier, context);
        },
      });
    return registerHooks({
      load(url, context, next) {
        const loaded = next(url, context);
        if (!url.endsWith(end)) return loaded;
        if (String(loaded.format).startsWith('module')) takeOff();
        return { ...loaded, source: text };
      },
    });
  };
}

/** Whether a name of a module is one of the code's. */
function isOfCode(name) {
  return (
    /^$|^node:|^evalmachine|\/solution\.[cm]?[jt]s$/.test(name) ||
    loadedByCode.get(name.replace(/^file:\/\//, '')) === true
  );
}

/** Imports as TypeScript's users write them: without an extension, or with the one of the compiled file. */
function resolveLikeTypeScript() {
  const find = (specifier, context, next) => {
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
  };
  Module.registerHooks({
    resolve(specifier, context, next) {
      const found = find(specifier, context, next);
      if (context.parentURL && !found.url.startsWith('node:')) {
        const path = found.url.replace(/^file:\/\//, '');
        if (!loadedByCode.has(path)) loadedByCode.set(path, isOfCode(context.parentURL));
        if (context.parentURL.endsWith('/' + run.file)) checkPackage(path, context.parentURL);
      }
      return found;
    },
  });
}

/** The folders above in which packages are looked for, and which are there. */
function foldersOfPackages() {
  const parts = process.cwd().split('/');
  return parts
    .map((_, at) => parts.slice(0, at + 1).join('/') + '/node_modules/')
    .filter((path) => fs.existsSync(path));
}

/** Tells where the tests get a package out of a folder that came while the code ran. */
function checkPackage(path, parent) {
  const [folder, above] = /^(.*?\/)node_modules\//.exec(path) ?? [];
  if (folder && parent.startsWith('file://' + above) && !run.packages.includes(folder))
    tell('tamper', 'the code put a package where the tests look for theirs');
}

/** The files by which tests decide, as their names say. Answers what tells of a change that the tests did not make. */
function watchExpected(text) {
  if (/\b(write|append|copy|cp|rename|rm|unlink|truncate|createWrite)\w*\(/.test(text))
    return () => undefined;
  const { statSync } = fs;
  const folder = process.cwd() + '/'; // The code may go elsewhere.
  const stateOf = (path) => {
    const found = statSync(path.startsWith('/') ? path : folder + path, { throwIfNoEntry: false });
    return found ? found.ino + ' ' + found.ctimeMs + ' ' + found.size : '';
  };
  const named = Array.from(
    text.matchAll(/['"`]([\w./-]*(?:expect|want|correct|golden)[\w-]*\.\w+)['"`]/gi),
    ([, path]) => path,
  );
  const found = new Map(named.map((path) => [path, stateOf(path)]).filter(([, state]) => state));
  if (/\bsnapshot\(/.test(text)) found.set(run.file + '.snapshot', stateOf(run.file + '.snapshot'));
  return () => {
    for (const [path, state] of found)
      if (stateOf(path) !== state) tell('tamper', 'the code changed what the tests expect (' + path + ')');
  };
}
