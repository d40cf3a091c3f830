// Beside the code: runs a script, which has come to its end when nothing is left to be done, and not before.
/* oxlint-disable no-unused-vars -- The harness is put together from this and others. */
import { pathToFileURL } from 'node:url';

/** Loads it. What tells of its end is there as soon as the script can come to one. */
async function runScript() {
  const started = performance.now();
  tell('ready');
  tell('start', 'script');
  run.report = () => {
    check();
    checkFailures();
    if (run.reached !== run.marks.length) tell('tamper', 'the code ended before its tests');
    tell('done', 'script', 'passed', performance.now() - started, '', '');
    tell('finish');
  };
  try {
    await import(pathToFileURL(run.file));
    run.isLoaded = true;
  } catch (error) {
    failScript(error);
  }
}

function failScript(error) {
  if (run.over) return;
  run.over = true;
  tellIfFixed(messageOf(error));
  tell('error', nameOf(error), messageOf(error), stackOf(error));
  process.exitCode = 1;
  tell('finish');
}

/** Hears what the process tells its listeners, whatever the code does to those. */
function hearProcess() {
  const { defineProperty } = Object;
  const { apply } = Reflect;
  const listenTo = (emit) =>
    function (name, ...said) {
      if (run.isScript && this === process) hear(name, said[0]);
      return apply(emit, this, [name, ...said]);
    };
  let current = listenTo(process.emit);
  defineProperty(process, 'emit', {
    get: () => current,
    set: (other) => (current = listenTo(other)),
    configurable: false,
  });
}

function hear(name, said) {
  const isListenedTo =
    process.listenerCount('uncaughtException') > 0 || process.hasUncaughtExceptionCaptureCallback();
  const { kill, pid } = process;
  if (name === 'uncaughtExceptionMonitor' && (!isListenedTo || isOfTests(stackOf(said), said))) {
    failScript(said);
    if (process._exiting) kill(pid, 'SIGKILL'); // It has ended already, but for its threads.
  }
  if (name === 'unhandledRejection' && isOfTests(stackOf(said), said)) failScript(said);
  if (name !== 'exit' || run.over || !(run.isLoaded || run.reached === run.marks.length)) return;
  const stack = stackBelow(hear).join('\n');
  if (/ process\.exit /.test(stack) && !isOfTests(stack) && !/process\.exit\b/.test(run.said))
    tell('tamper', 'the code ended the process');
  if (said) return; // With an exit code, which is told by itself.
  // Behind all that listen already.
  process.on('exit', () => {
    if (process.exitCode) return;
    run.report();
    kill(pid, 'SIGKILL');
  });
}

/** Whether the first line of the script that a stack names is one of its tests. Of an error that names none it is where they throw such. */
function isOfTests(stack, error = undefined) {
  const [, line] = new RegExp(`/${run.file}:(\\d+)`).exec(stack) ?? [];
  if (!line && error !== undefined)
    return (typeof error === 'object' ? /\bthrow\b/ : /\bthrow\s+(?!new\b)|\breject\(/).test(run.said);
  return Number(line) >= run.marks[0];
}

function testsOf({ text, marks }) {
  return text
    .split('\n')
    .slice(marks[0] - 1)
    .join('\n');
}
