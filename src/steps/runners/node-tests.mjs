// Beside the code, before it: runs a node:test file in this process and tells of each test. Its secrets live in closures.
import * as assertNamespace from 'node:assert';
import asyncHooks from 'node:async_hooks';
import fs from 'node:fs';
import Module from 'node:module';
import { basename } from 'node:path';
import * as testNamespace from 'node:test';

/** The test file, its text, and how far it has come. */
let run = {};
/** Tells the parent, once there is something to tell of. */
let tell = () => undefined;
/** What is to be looked at beside each assertion, if anything. */
let checkOften;
/** Names the first thing that is not as it was any more. */
let changed;
const check = () => {
  const sentence = changed?.();
  if (sentence) tell('tamper', sentence);
};
const { readFileSync } = fs;
/** Modules by their paths, and whether the code has loaded them, and the tests had not before. */
// oxlint-disable-next-line no-unused-vars -- The other parts use it.
const loadedByCode = new Map();
// oxlint-disable-next-line no-unused-vars -- The other parts use it.
const stackBelow = makeStackReader();
const letTestsGo = makeTestsGo();
const footing = prepare();

// What has been done until here, and once on trial, no child has to do that Node is forked into.
const fork = globalThis.__assayFork;
delete globalThis.__assayFork;
if (fork) {
  await warmUp();
  fork();
}
begin(readEnvironment());
if (checkOften) fixSaid(run.said);
if (run.isScript) await runScript();
else if (await runTests()) endQuickly();

/** Puts all in place that is the same for every run. */
function prepare() {
  resolveLikeTypeScript();
  defineMark();
  watchHooks();
  hearProcess();
  for (const { prototype } of [asyncHooks.AsyncResource, asyncHooks.AsyncLocalStorage])
    lock(prototype, Reflect.ownKeys(prototype), 'async_hooks');
  const { strict, Assert } = assertNamespace.default;
  for (const owner of [assertNamespace.default, strict, Assert?.prototype ?? {}])
    lock(owner, Object.getOwnPropertyNames(owner), 'assert', () => checkOften?.());
  watchAll();
  hideTests();
  hearFailures(() => (run.failures += 1));
  // Without a listener, this signal opens an inspector.
  process.on('SIGUSR1', () => tell('tamper', 'the code sent the signal that opens an inspector'));
  Module.syncBuiltinESMExports();
  return snapshot();
}

function readEnvironment() {
  const { ASSAY_NEWS_FD, ASSAY_TEST_FILE, ASSAY_COVERAGE, ASSAY_MARKS } = process.env;
  for (const name of ['ASSAY_NEWS_FD', 'ASSAY_TEST_FILE', 'ASSAY_COVERAGE', 'ASSAY_MARKS'])
    delete process.env[name];
  return { news: Number(ASSAY_NEWS_FD), file: ASSAY_TEST_FILE, coverage: ASSAY_COVERAGE, marks: ASSAY_MARKS };
}

function begin({ file, coverage, marks, news }) {
  const text = readFileSync(file, 'utf8');
  const isScript = file.startsWith('script.');
  const lines = marks.split(',').map(Number);
  const said = isScript ? testsOf({ text, marks: lines }) : text;
  run = {
    file,
    text,
    /** What of it the tests are. */
    said,
    coverage,
    isScript,
    marks: lines,
    reached: 0,
    /** Assertions that failed, and tests that did, or may have without a word. */
    failures: 0,
    isHeard: takesFailures(said),
    /** Whether the tests say that some of them are not to run. */
    maySkip: /\b(skip|todo|only|expectFailure)\b/.test(said),
    packages: foldersOfPackages(),
    /** Whether the file is there and is to go. */
    there: !/__filename|import\.meta\.(url|filename)|argv\[1\]|solution\.test/.test(withoutPlaces(text)),
  };
  // Where the tests replace things themselves, only the end of each is looked at.
  const steady =
    !/mock|defineProperty|(Math|JSON|Object|Array|String|Number|Promise|prototype)\.\w+\s*=[^=>]/.test(said);
  checkOften = steady ? limited(check) : undefined;
  changed = footing(said);
  run.checkFiles = watchExpected(said);
  if (news) tell = makeReporter(news);
  return letTestsGo();
}

/** The text of tests without what is looked for beside them. */
function withoutPlaces(text) {
  return text.replace(
    /new URL\(\s*(['"])\.[^'"]*\1,\s*import\.meta\.url\s*\)|createRequire\(import\.meta\.url\)|dirname\(fileURLToPath\(import\.meta\.url\)\)|import\.meta\.url\.\w+/g,
    '',
  );
}

/** Last of all: what Node itself takes down at its end, the kernel takes down in a fraction of the time. */
function endQuickly() {
  const { kill, pid } = process;
  process.on('exit', () => kill(pid, 'SIGKILL'));
}

/** Runs each of the first thirty times, and then each hundredth. */
function limited(work) {
  let times = 0;
  return () => {
    if (changed) times += 1;
    if (times <= 30 || times % 100 === 0) work();
  };
}

async function runTests() {
  const names = [];
  let broken = false;
  tell('ready');
  const options = { files: [run.file], isolation: 'none', concurrency: 1 };
  if (run.coverage)
    Object.assign(options, {
      coverage: true,
      coverageIncludeGlobs: ['**/*.js', '**/*.ts', '**/*.mjs', '**/*.cjs'],
      coverageExcludeGlobs: [run.file],
    });
  const events = testNamespace.run(options);
  fixReports(events, (type, data) => {
    if (type === 'test:start') {
      names.length = data.nesting;
      names[data.nesting] = data.name;
      tell('start', names.join(' > '));
    } else if (type === 'test:pass' || type === 'test:fail') {
      told(type, data);
      check();
    } else if (type === 'test:coverage') coverage(data.summary);
  });
  for await (const _ of events); // To their end.
  check();
  checkFailures();
  if (!broken && run.reached !== run.marks.length)
    tell('tamper', 'the file of the tests ended before its last line');
  tell('finish');
  return true;

  function told(type, data) {
    names.length = data.nesting;
    const name = [...names, data.name].join(' > ');
    const error = data.details?.error;
    const cause = error?.cause instanceof Error ? error.cause : error;
    if (type === 'test:fail' && data.nesting === 0 && basename(data.name) === run.file) {
      broken = true;
      tellIfFixed(messageOf(cause));
      return tell('error', nameOf(cause), messageOf(cause), stackOf(cause));
    }
    // A file without tests is told of as a test that passed.
    if (data.nesting === 0 && basename(data.name) === run.file) return;
    if (data.details?.type === 'suite' && (type === 'test:pass' || error?.failureType === 'subtestsFailed'))
      return;
    const own = (key) => (Object.hasOwn(data, key) ? data[key] : undefined);
    const skipped = own('skip') !== undefined || (own('todo') !== undefined && own('todo') !== false);
    if (type === 'test:fail') run.isHeard = true;
    if (type === 'test:fail') tellIfFixed(messageOf(cause));
    const outcome = skipped ? 'skipped' : type === 'test:pass' ? 'passed' : 'failed';
    if (skipped && !run.maySkip)
      tell('tamper', 'the test ' + name + ' was skipped, which the tests do not say');
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

/** Hears of events as they come. Whoever gets hold of what tells of them cannot have it tell other things. */
function fixReports(events, hear) {
  const { apply } = Reflect;
  for (
    let owner = Object.getPrototypeOf(events);
    owner !== Object.prototype;
    owner = Object.getPrototypeOf(owner)
  )
    for (const key of Reflect.ownKeys(owner)) {
      const { value } = Object.getOwnPropertyDescriptor(owner, key);
      if (typeof value !== 'function' || key === 'constructor' || Object.hasOwn(events, key)) continue;
      const heard = (...said) => (hear(...said), apply(value, events, said));
      Object.defineProperty(events, key, { value: key === 'emit' ? heard : value });
    }
}

function checkFailures() {
  run.checkFiles();
  if (run.failures > 0 && !run.isHeard)
    tell('tamper', 'an assertion failed, and the tests did not hear of it');
}
