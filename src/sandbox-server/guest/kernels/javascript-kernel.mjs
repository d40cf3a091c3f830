// The JavaScript, TypeScript and Deno kernel: cells are evaluated by V8's inspector in its REPL mode, which has top-level await
// and lets a later cell declare a name again. Speaks the frames of its channel on descriptor 3.

import { writeSync } from 'node:fs';
import { Session } from 'node:inspector';
import { createRequire } from 'node:module';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import vm from 'node:vm';

import { cellSource } from './cell-source.mjs';
import { denoNames } from './deno-names.mjs';

// By name: a cell may put anything into the global ones.
const { Atomics, Buffer, Object, Promise, String, process, setImmediate } = globalThis;
const { parse, stringify } = JSON;

const CHANNEL_FD = 3;
const EVENT = 2;
const DATA = 3;
const END = 5;
const RESULT_CHANNEL = 4;
const PIECE = 60_000;
const TEXT_LIMIT = 40_000;
const RESULT_LIMIT = 64 * 1024 * 1024;
const OWN_FRAMES = /\n +at (?:.*(?:node:[a-z]|javascript-kernel\.mjs|evalmachine)|new Promise \(<).*/g;
const VALUE = Symbol('value of a cell');

const language = process.argv[2];
const isTypeScript = language !== 'javascript';
process.argv.length = 1;

let runId = 0;
let count = 0;
let interrupt;
let failures;

// ---- the channel

function send(kind, body) {
  const frame = Buffer.alloc(9 + body.length);
  frame.writeUInt32BE(5 + body.length, 0);
  frame.writeUInt32BE(runId, 4);
  frame[8] = kind;
  frame.set(body, 9);
  for (let start = 0; start < frame.length;) {
    try {
      start += writeSync(CHANNEL_FD, frame, start);
    } catch (error) {
      if (error.code !== 'EAGAIN') process.exit(0);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
    }
  }
}

// Without a prototype, to which a cell may have given a `toJSON`.
const event = (value) => send(EVENT, Buffer.from(stringify({ __proto__: null, ...value })));

function sendResult(document) {
  // Asked beforehand: what is written as JSON is a copy, and its bytes are another.
  const size = document.text?.length ?? 0;
  const text = size > RESULT_LIMIT ? undefined : Buffer.from(stringify(document));
  if (text === undefined || text.length > RESULT_LIMIT) {
    const bytes = text?.length ?? size;
    process.stderr.write(`A result of ${bytes} bytes is more than ${RESULT_LIMIT} and was left out.\n`);
    return;
  }
  for (let start = 0; start < text.length; start += PIECE) {
    send(DATA, Buffer.concat([Buffer.of(RESULT_CHANNEL), text.subarray(start, start + PIECE)]));
  }
  event({ result: true });
}

function sendError(error, where) {
  const isError = error instanceof Error || (typeof error === 'object' && error !== null && 'stack' in error);
  const name = isError ? String(error.name) : 'Error';
  const value = isError ? String(error.message) : inspect(error);
  const stack = isError ? String(error.stack).replace(OWN_FRAMES, '') : `Uncaught ${value}`;
  const traceback = where ? `${where}\n${stack}` : stack;
  event({
    error: {
      __proto__: null,
      name: name.slice(0, 1000),
      value: value.slice(0, TEXT_LIMIT),
      traceback: traceback.slice(0, TEXT_LIMIT),
    },
  });
}

// ---- display

const MIME_NAMES = {
  'text/plain': 'text',
  'text/html': 'html',
  'text/markdown': 'markdown',
  'image/svg+xml': 'svg',
  'image/png': 'png',
  'image/jpeg': 'jpeg',
  'application/pdf': 'pdf',
  'text/latex': 'latex',
  'application/json': 'json',
  'application/javascript': 'javascript',
};

async function display(value, isMainResult) {
  const toBundle = value?.[Symbol.for('Jupyter.display')];
  const bundle =
    typeof toBundle === 'function' ? await toBundle.call(value) : { 'text/plain': textOf(value) };
  const document = { __proto__: null, is_main_result: isMainResult };
  for (const [mime, content] of Object.entries(bundle)) {
    const plain = content instanceof Uint8Array ? Buffer.from(content).toString('base64') : content;
    const name = MIME_NAMES[mime];
    if (name) document[name] = plain;
    else (document.extra ??= {})[mime] = plain;
  }
  if (typeof toBundle !== 'function' && isPlain(value)) {
    try {
      document.json = parse(stringify(value));
    } catch {
      // Cycles and BigInts: the text has to do.
    }
  }
  sendResult(document);
}

const textOf = (value) =>
  typeof value === 'string' ? value : inspect(value, { depth: 6, maxArrayLength: 1000 });

function isPlain(value) {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return Array.isArray(value) || prototype === Object.prototype || prototype === null;
}

// ---- what a cell finds around it

function settle() {
  const file = join(process.cwd(), 'cell.mjs');
  const require = createRequire(file);
  const module = { exports: {}, id: '.', filename: file, loaded: true, children: [], paths: [] };
  require.main = module;
  const importer = vm.runInThisContext('(specifier, options) => import(specifier, options)', {
    filename: file,
    importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  const meta = {
    url: pathToFileURL(file).href,
    filename: file,
    dirname: process.cwd(),
    main: true,
    resolve: (name) => pathToFileURL(require.resolve(name)).href,
  };
  const globals = {
    require,
    module,
    exports: module.exports,
    __filename: file,
    __dirname: process.cwd(),
    __import: (specifier, options) => importer(packageOf(specifier), options),
    __importMeta: meta,
    display: (value) => display(value, false),
    ...(language === 'deno' ? { Deno: denoNames() } : {}),
  };
  for (const [name, value] of Object.entries(globals)) {
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
  }
}

/** Packages are the installed ones, also where a specifier names a registry and a version. */
const packageOf = (specifier) => String(specifier).replace(/^npm:\/?((?:@[^/]+\/)?[^@/]+)(?:@[^/]*)?/, '$1');

// ---- evaluation

const session = new Session();
session.connect();

/** Evaluates within `breakOnSigint`, so that an interrupt ends a loop that never returns to the event loop. */
const guarded = new vm.Script('globalThis[Symbol.for("assay.start")]()');

function evaluate(expression) {
  return new Promise((resolve, reject) => {
    const options = { expression, replMode: true, awaitPromise: true, userGesture: false };
    globalThis[Symbol.for('assay.start')] = () => {
      delete globalThis[Symbol.for('assay.start')];
      session.post('Runtime.evaluate', options, (error, answer) => (error ? reject(error) : resolve(answer)));
    };
    try {
      guarded.runInThisContext({ breakOnSigint: true });
    } catch (error) {
      reject(error.code === 'ERR_SCRIPT_EXECUTION_INTERRUPTED' ? interrupted() : error);
    }
  });
}

/** The value itself behind what the inspector says of it. */
function valueOf(remote) {
  if (remote.objectId === undefined) {
    return remote.unserializableValue === undefined
      ? remote.value
      : vm.runInThisContext(remote.unserializableValue);
  }
  const holder = {};
  globalThis[VALUE] = holder;
  const key =
    'globalThis[Object.getOwnPropertySymbols(globalThis).find((s) => s.description === "value of a cell")]';
  const functionDeclaration = `function () { ${key}.value = this; }`;
  session.post('Runtime.callFunctionOn', { objectId: remote.objectId, functionDeclaration });
  session.post('Runtime.releaseObject', { objectId: remote.objectId });
  delete globalThis[VALUE];
  return remote.type === 'symbol' ? Object(holder.value).valueOf() : holder.value;
}

function interrupted() {
  const error = new Error('the run was interrupted');
  error.name = 'KeyboardInterrupt';
  error.stack = 'KeyboardInterrupt';
  return error;
}

function prepare(code) {
  return `${cellSource(code, isTypeScript)}\n//# sourceURL=cell-${count}.${isTypeScript ? 'ts' : 'js'}`;
}

async function execute(code) {
  const { result, exceptionDetails } = await evaluate(prepare(code));
  if (exceptionDetails) {
    const thrown = valueOf(exceptionDetails.exception ?? result);
    const isSyntax = thrown instanceof SyntaxError && !/\n\s+at .*cell-\d+/.test(String(thrown.stack));
    const where = `cell-${count}:${exceptionDetails.lineNumber + 1}:${exceptionDetails.columnNumber + 1}`;
    sendError(thrown, isSyntax ? where : undefined);
    return;
  }
  // A cell that ends in `main()` is done when main is.
  const value = await valueOf(result);
  if (value !== undefined) await display(value, true);
}

async function run({ code, envs }) {
  count++;
  event({ execution_count: count });
  const before = Object.fromEntries(Object.keys(envs).map((name) => [name, process.env[name]]));
  Object.assign(process.env, envs);
  failures = [];
  const stopped = new Promise((_, reject) => (interrupt = () => reject(interrupted())));
  stopped.catch(() => undefined);
  try {
    await Promise.race([execute(code), stopped]);
    // Rejections that nobody handles are known one turn later.
    await new Promise((resolve) => setImmediate(resolve));
    if (failures.length > 0) sendError(failures[0]);
  } catch (error) {
    sendError(error);
  }
  interrupt = failures = undefined;
  for (const [name, value] of Object.entries(before)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
  send(END, Buffer.from('{}'));
}

function onFailure(error) {
  if (failures) failures.push(error);
  else process.stderr.write(`Uncaught ${inspect(error)}\n`);
}

process.on('uncaughtException', onFailure);
process.on('unhandledRejection', onFailure);
process.on('SIGINT', () => interrupt?.());

settle();
let buffer = Buffer.alloc(0);
const channel = new Socket({ fd: CHANNEL_FD, readable: true, writable: false });
let queue = Promise.resolve();
channel.on('data', (chunk) => {
  buffer = Buffer.concat([buffer, chunk]);
  while (buffer.length >= 8 && buffer.length >= 8 + buffer.readUInt32BE(4)) {
    const id = buffer.readUInt32BE(0);
    const end = 8 + buffer.readUInt32BE(4);
    const request = parse(buffer.subarray(8, end).toString());
    buffer = buffer.subarray(end);
    queue = queue.then(() => {
      runId = id;
      return run(request);
    });
  }
});
channel.on('close', () => process.exit(0));
