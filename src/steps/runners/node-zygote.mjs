// Below the parent of many runs: has Node and its test runner loaded, and forks for each run. V8 lets no process have its memory that was forked from
// it, and libuv shares its descriptors with it: both are undone here, by calls into the C library.
import fs, { closeSync, readSync, writeSync } from 'node:fs';
import v8 from 'node:v8';
import { constants, runInNewContext, runInThisContext } from 'node:vm';

const [socket, library, program] = JSON.parse(process.env.ASSAY_ZYGOTE);
delete process.env.ASSAY_ZYGOTE;
const loaded = { exports: {} };
process.dlopen(loaded, '/proc/self/fd/' + library);
closeSync(library);
const ffi = loaded.exports;
const libc = ffi.load('libc.so.6');
const node = ffi.load(null);
ffi.struct('iovec', { base: 'void *', length: 'size_t' });
ffi.struct('msghdr', {
  name: 'void *',
  nameLength: 'uint32_t',
  iov: 'iovec *',
  iovLength: 'size_t',
  control: 'void *',
  controlLength: 'size_t',
  flags: 'int',
});
const call = {
  fork: libc.func('int fork()'),
  wait4: libc.func('int wait4(int, void *, int, void *)'),
  exit: libc.func('void _exit(int)'),
  getpid: libc.func('int getpid()'),
  setsid: libc.func('int setsid()'),
  dup2: libc.func('int dup2(int, int)'),
  fcntl: libc.func('int fcntl(int, int, int)'),
  close: libc.func('int close(int)'),
  prctl: libc.func('int prctl(int, long, long, long, long)'),
  madvise: libc.func('int madvise(uintptr_t, size_t, int)'),
  recvmsg: libc.func('intptr_t recvmsg(int, _Inout_ msghdr *, int)'),
  loop: node.func('void *uv_default_loop()'),
  loopFork: node.func('int uv_loop_fork(void *)'),
};
/** What the harness imports, and the test runner when it begins; and what most programs do. */
const AHEAD = program
  ? 'assert assert/strict async_hooks events fs inspector module path stream test url v8'
  : 'events fs module net path readline stream tty url util';
const PR_SET_DUMPABLE = 4;
const MADV_DOFORK = 11;
const F_DUPFD_CLOEXEC = 1030;
/** Away from the numbers that code uses. */
const NEWS_FD = 200;
/** Of the largest size, in what the kernel tells of a child's use. */
const MAXRSS_AT = 32;

// No code that was forked from it may look into it.
call.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
for (const name of AHEAD.split(' ')) await import('node:' + name);
const loop = call.loop();
// Taken before the harness watches for their use.
const { readFileSync, openSync } = fs;
const { setFlagsFromString } = v8;
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');
setFlagsFromString('--no-expose-gc');
endWithoutThreads();
const spans = spansOfMemory();
const status = Buffer.alloc(4);
const usage = Buffer.alloc(256);
globalThis.__assayFork = () => {
  setFlagsFromString('--lazy');
  say('ready');
  becomeChild(nextRun());
};
if (program)
  await runInThisContext(program, { importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER });
else {
  const at = process.execArgv.indexOf('--import');
  process.execArgv.splice(at, 2);
  globalThis.__assayFork();
  delete globalThis.__assayFork;
}

function say(...words) {
  writeSync(socket, words.join(' ') + '\n');
}

/** Forks for each request that comes, and tells how the child ended. Returns in the children alone. */
function nextRun() {
  for (;;) {
    const asked = receive();
    letMemoryBeForked();
    const child = call.fork();
    if (child === 0) return asked;
    for (const fd of asked.fds) call.close(fd);
    call.wait4(child, status, 0, usage);
    say('ended', status.readInt32LE(), usage.readInt32LE(MAXRSS_AT));
  }
}

function receive() {
  const length = Buffer.alloc(4);
  const control = Buffer.alloc(64);
  const head = {
    name: null,
    nameLength: 0,
    iov: [{ base: length, length: 4 }],
    iovLength: 1,
    control,
    controlLength: control.length,
    flags: 0,
  };
  if (call.recvmsg(socket, head, 0) !== 4) call.exit(0);
  const count = (control.readUInt32LE(0) - 16) / 4;
  const fds = Array.from({ length: count }, (_, at) => control.readInt32LE(16 + 4 * at));
  const text = Buffer.alloc(length.readUInt32LE(0));
  for (let had = 0; had < text.length;) had += readSync(socket, text, had, text.length - had, null);
  return { ...JSON.parse(text.toString()), fds };
}

/** V8 has its memory left out of forks, and may have got more of it since the last one. */
function letMemoryBeForked() {
  collect({ type: 'minor' });
  for (const [from, to] of spans) call.madvise(from, to - from, MADV_DOFORK);
}

/** All places where memory can be, but for those of the kernel's own, at which it would stop. */
function spansOfMemory() {
  const found = [];
  let from = 0x10000;
  let to = from;
  for (const line of readFileSync('/proc/self/maps', 'latin1').split('\n')) {
    const range = /^([0-9a-f]{1,13})-([0-9a-f]{1,13}) .*?(\[v\w+\]|anon_inode:\S*)?$/.exec(line);
    if (!range) continue;
    to = parseInt(range[2], 16);
    if (range[3] === undefined) continue;
    found.push([from, parseInt(range[1], 16)]);
    from = to;
  }
  return [...found, [from, to]].filter(([start, end]) => start < end);
}

/** Takes on the descriptors and surroundings of a run. */
function becomeChild({ fds, folder, environment }) {
  // By the child, which has run nothing yet: no code could keep the news of it from its parent's parent.
  say('forked', call.getpid());
  call.loopFork(loop);
  call.setsid();
  const [stdin, stdout, stderr, given] = fds;
  if (given !== undefined) process.env.ASSAY_NEWS_FD = String(call.fcntl(given, F_DUPFD_CLOEXEC, NEWS_FD));
  for (const [at, fd] of [stdin, stdout, stderr].entries()) call.dup2(fd, at);
  for (const fd of [...fds, socket]) call.close(fd);
  // A program of its own; beside tests, no code is to open the memory that it shares with them.
  if (!program) call.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
  const seed = Buffer.alloc(4);
  const random = openSync('/dev/urandom');
  readSync(random, seed, 0, 4, null);
  closeSync(random);
  setFlagsFromString(`--random-seed=${(seed.readUInt32LE(0) % 0x7ffffffe) + 1}`);
  Object.assign(process.env, environment);
  process.chdir(folder);
  Object.defineProperty(process, 'pid', { value: call.getpid(), enumerable: true, configurable: true });
}

/** Node's own end waits for its threads, and those are not there in a child. */
function endWithoutThreads() {
  const { exit } = call;
  process.reallyExit = (code) => exit(code ?? 0);
  const { emit } = process;
  const value = function (name, ...args) {
    const heard = Reflect.apply(emit, this, [name, ...args]);
    if (name === 'exit') exit(Number(process.exitCode ?? args[0] ?? 0));
    return heard;
  };
  Object.defineProperty(process, 'emit', { value, writable: true, configurable: true });
}
