import type { CallEvent } from '../events.ts';
import { pathsOf, singleText, textsOf } from '../values.ts';
import type { PYTHON_EMBEDS } from './python-triggers.ts';
import { someText } from './places.ts';
import { asksMetadata, isEndless, killsOthers, mines, opensSecret, opensUserList, removesVital, runsHidden, runsRemote, touchesSystem } from './script-conditions.ts'; // prettier-ignore
import { type Trigger, onAssign, onCall, onName } from './trigger.ts';

const members = (parent: string, names: readonly string[]): string[] =>
  names.map((name) => `${parent}.${name}`);
const sync = (names: readonly string[]): string[] => names.flatMap((name) => [name, `${name}Sync`]);

const READERS = members('fs', [
  ...sync([
    'readFile',
    'open',
    'readdir',
    'copyFile',
    'cp',
    'symlink',
    'link',
    'readlink',
    'access',
    'opendir',
    'rename',
    'stat',
  ]),
  'createReadStream',
]);
const WRITERS = members('fs', [
  ...sync([
    'writeFile',
    'appendFile',
    'unlink',
    'rm',
    'rmdir',
    'rename',
    'mkdir',
    'mkdtemp',
    'copyFile',
    'cp',
    'chmod',
    'chown',
    'lchown',
    'truncate',
    'symlink',
    'link',
    'utimes',
    'write',
  ]),
  'createWriteStream',
]);
const REMOVERS = members('fs', sync(['rm', 'rmdir', 'unlink']));
const SPAWNERS = members('child_process', [
  'fork',
  'spawn',
  'exec',
  'execFile',
  'spawnSync',
  'execSync',
  'execFileSync',
]);
const RUNNERS = [
  'eval',
  'Function',
  '*.constructor',
  'vm.runInThisContext',
  'vm.runInNewContext',
  'vm.runInContext',
  'vm.Script',
  'vm.compileFunction',
  'vm.SourceTextModule',
  'GeneratorFunction',
  'AsyncFunction',
  'module._compile',
  '*._compile',
];
const TIMERS = ['setTimeout', 'setInterval', 'setImmediate'];
const REQUESTERS = [
  'fetch',
  'WebSocket',
  'axios',
  'got',
  'undici.fetch',
  'undici.request',
  ...['get', 'post', 'put', 'head', 'request', 'connect', 'createConnection', 'open'].map(
    (name) => `*.${name}`,
  ),
];
const ASSERTED = [
  'assert',
  'assert.*',
  'test.*',
  'Object.is',
  'Object.prototype.*',
  'Array.prototype.*',
  'Function.prototype.*',
  'String.prototype.*',
  'JSON.*',
  'Math.*',
  'process.exit',
  'process.exitCode[]',
  'require.cache[]',
  'require.cache.?',
  'module._load',
  'module._extensions.*',
  'console.assert',
  'Reflect.*',
  'Promise.prototype.*',
  'Map.prototype.*',
  'globalThis.?',
];

const constructsFunction = (event: CallEvent): boolean =>
  /(?:^Function|\.constructor)\.constructor$/.test(event.path) ||
  (/(?:getPrototypeOf\(\)|__proto__)\.constructor$/.test(event.path) &&
    event.args.some((arg) => textsOf(arg).length > 0));
const isText = (event: CallEvent): boolean =>
  textsOf(event.args[0] ?? []).length > 0 ||
  pathsOf(event.args[0] ?? []).some((path) => /^(?:atob|Buffer\.from)\(\)/.test(path));
const wantsShell = (event: CallEvent): boolean =>
  (event.named.get('shell') ?? []).some((value) => !(value.kind === 'path' && value.path === 'false'));
const touchesSocket = (event: CallEvent): boolean => {
  const all = [event.path, ...event.args.flatMap(pathsOf)].join(' ');
  return /(?:^| )(?:net|tls)\./.test(all) && /child_process\.\w+\(\)/.test(all);
};
const startsShell = (event: CallEvent): boolean =>
  /^(?:\/(?:usr\/)?bin\/)?(?:ba|z|da)?sh$|^cmd(?:\.exe)?$/.test(singleText(event.args[0] ?? [])?.text ?? '');
const takesSockets = (event: CallEvent): boolean =>
  startsShell(event) &&
  (event.named.get('stdio') ?? []).some(
    (value) =>
      value.kind === 'list' && value.items.flatMap(pathsOf).some((path) => /^(?:net|tls)\./.test(path)),
  );

export const JAVASCRIPT_TRIGGERS: readonly Trigger[] = [
  onCall('no-hidden-code', RUNNERS.filter((name) => name !== '*.constructor'), runsHidden),
  onCall('no-hidden-code', TIMERS, (event) => isText(event) && runsHidden(event)),
  onCall('no-remote-code', [...RUNNERS, ...TIMERS], runsRemote),
  onCall('no-reverse-shell', ['*.pipe'], touchesSocket),
  onCall('no-reverse-shell', ['child_process.spawn', 'child_process.execFile'], takesSockets),
  onCall('no-fork-bomb', [...SPAWNERS, 'cluster.fork', 'worker_threads.Worker'], isEndless),
  onCall('no-destructive-command', REMOVERS, removesVital),
  onCall('no-sensitive-path', [...READERS, ...WRITERS], opensSecret),
  onCall('no-sensitive-path', WRITERS, touchesSystem),
  onCall('no-credential-listing', READERS, opensUserList),
  onCall('no-metadata-service', REQUESTERS, (event) => asksMetadata({ ...event, args: [...event.args, ...event.named.values()] })),
  onCall('no-crypto-mining', ['*'], (event) => !event.path.startsWith('console.') && mines(event)),
  onCall('no-process-tampering', ['process.kill'], killsOthers),
  onName('no-process-tampering', ['process._debugProcess', 'process._debugEnd', 'process._startProfilerIdleNotifier']),
  onName('no-privilege-escalation', members('process', ['setuid', 'setgid', 'seteuid', 'setegid', 'setgroups', 'initgroups'])),
  onName('no-native-memory', ['process.dlopen', 'process.binding', 'process._linkedBinding', 'process._kill', 'ffi-napi.*', 'ffi.*', 'ref-napi.*', 'koffi.*', 'bun:ffi.*', 'Deno.dlopen']),
  onCall('no-native-memory', ['v8.setFlagsFromString'], (event) => someText(event.args[0], (text) => /natives|sandbox|jit|wasm/.test(text))),
  onName('no-interpreter-internals', ['process.mainModule', 'module._load', 'module.Module._load', 'module.constructor._load', '*.__lookupGetter__', 'inspector.Session', 'inspector.open', 'inspector/promises.Session', 'process._getActiveHandles', 'arguments.callee.caller']),
  onCall('no-interpreter-internals', ['*.constructor'], constructsFunction),
  onName('no-forged-verdict', ['process.reallyExit', 'process.abort', 'process._exiting']),
  onAssign('no-forged-verdict', ASSERTED),
  onCall('no-forged-verdict', ['Object.defineProperty', 'Object.assign', 'Reflect.defineProperty', 'Reflect.set'], (event) =>
    pathsOf(event.args[0] ?? []).some((path) => /^(?:assert|test|Object|Array|Function|JSON|Math|Reflect|Promise)(?:\.prototype)?$|^(?:require\.cache|process|console)$/.test(path))),
  onName('no-dynamic-attribute', ['process.?', 'child_process.?', 'globalThis.?', 'global.?', 'vm.?', 'window.?']),
  onName('no-shell', ['child_process.exec', 'child_process.execSync']),
  onCall('no-shell', SPAWNERS, wantsShell),
  onName('no-eval', ['eval', ...RUNNERS.filter((name) => name.startsWith('vm.'))]),
  onCall('no-eval', ['Function', 'GeneratorFunction', 'AsyncFunction', '*._compile']),
  onCall('no-eval', ['*.constructor'], constructsFunction),
  onCall('no-eval', TIMERS, isText),
  onName('no-dynamic-import', ['module.createRequire', 'process.getBuiltinModule', 'require.cache', 'require.extensions', 'module.register', 'module._load']),
  onName('no-process-spawn', ['child_process.*', 'worker_threads.Worker', 'cluster.fork', 'process.kill', 'process.execve', 'Bun.spawn', 'Deno.run', 'Deno.Command']),
  onName('no-network', ['fetch', 'XMLHttpRequest', 'WebSocket', 'EventSource', 'axios', 'got', 'net.*', 'http.*', 'https.*', 'http2.*', 'tls.*', 'dgram.*', 'dns.*', 'dns/promises.*', 'undici.*', 'axios.*', 'node-fetch.*', 'ws.*']),
  onName('no-file-write', WRITERS),
  onName('no-unsafe-deserialization', ['v8.deserialize', 'v8.Deserializer', 'node-serialize.unserialize', 'serialize-javascript.*']),
  onName('no-environment', ['process.env']),
]; // prettier-ignore

export const JAVASCRIPT_EMBEDS: typeof PYTHON_EMBEDS = [
  { paths: ['eval', 'Function', 'vm.runInThisContext', 'vm.runInNewContext', 'vm.runInContext', 'vm.Script', ...TIMERS], language: 'self', how: 'text' },
  { paths: ['child_process.exec', 'child_process.execSync'], language: 'bash', how: 'text' },
  { paths: ['child_process.spawn', 'child_process.spawnSync', 'child_process.execFile', 'child_process.execFileSync'], language: 'bash', how: 'path-and-list' },
]; // prettier-ignore

/** Modules whose import under a hidden name shows what the hiding is for. */
export const JAVASCRIPT_SENSITIVE_MODULES: ReadonlySet<string> = new Set(['child_process', 'fs', 'net', 'vm', 'worker_threads', 'cluster', 'process', 'module', 'dgram', 'http', 'https', 'tls', 'inspector', 'v8', 'os', 'repl']); // prettier-ignore
