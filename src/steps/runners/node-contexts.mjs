// Beside the code: keeps what Node gives to tests, and the tests among asynchronous resources, from the code.
/* oxlint-disable no-unused-vars -- The harness is put together from this and others. */

/** Tells of hooks that the tests have not made: they could give each test a context of their own, or skip it. */
function watchHooks() {
  const { prototype } = asyncHooks.AsyncResource;
  const { runInAsyncScope } = prototype;
  const { apply } = Reflect;
  const fixContext = contextFixer();
  prototype.runInAsyncScope = function (...args) {
    if (this.hookType !== undefined && isOfCode(this.loc?.file ?? ''))
      tell('tamper', 'the code added a hook to the tests');
    if ('reportStarted' in this && args[1]) fixContext(args[1]);
    return apply(runInAsyncScope, this, args);
  };
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

/** Whoever gets hold of the context of a test, or of the class of all of them, gives it no other assertions or subtests. */
function contextFixer() {
  const { defineProperties, freeze, getOwnPropertyDescriptors, getPrototypeOf, values } = Object;
  const known = new Map();
  return (context) => {
    const owner = getPrototypeOf(context);
    if (!known.has(owner)) {
      // Leaves out subtests that do not say `only`.
      if (owner.runOnly)
        replace(owner, 'runOnly', (args) => {
          if (bySolution()) tell('tamper', 'the code chose among the tests');
          return args;
        });
      const { constructor: _, ...own } = getOwnPropertyDescriptors(owner);
      for (const each of values(own)) {
        each.configurable = false;
        if ('value' in each) each.writable = false;
      }
      known.set(owner, own);
      freeze(owner);
    }
    defineProperties(context, known.get(owner));
  };
}
