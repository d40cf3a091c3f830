import type { CallEvent } from '../events.ts';
import { pathsOf, singleText, textsOf } from '../values.ts';
import { asksMetadata, isEndless, killsOthers, mines, opensForWriting, opensSecret, opensUserList, removesVital, runsHidden, runsRemote, touchesSystem, writesSystem } from './script-conditions.ts'; // prettier-ignore
import { type Trigger, onAssign, onCall, onName } from './trigger.ts';

const OPENERS = [
  'open', 'os.open', 'io.FileIO', 'codecs.open', 'pathlib.Path', 'os.listdir', 'os.scandir', 'shutil.copy', 'shutil.copy2', 'shutil.copyfile',
  'shutil.move', 'os.symlink', 'os.link', 'os.readlink', 'numpy.loadtxt', 'numpy.fromfile', 'pandas.read_csv', 'pandas.read_table', 'linecache.getline',
  'linecache.getlines', 'fileinput.input', 'mmap.mmap', 'shutil.copytree', 'glob.glob', 'tarfile.open', 'gzip.open',
]; // prettier-ignore
const REQUESTERS = ['get', 'post', 'put', 'head', 'patch', 'request', 'urlopen', 'urlretrieve', 'connect', 'connect_ex', 'create_connection', 'Request', 'HTTPConnection', 'HTTPSConnection', 'open_connection'].map((name) => `*.${name}`); // prettier-ignore
const RUNNERS = [
  'eval',
  'exec',
  'compile',
  'runpy.run_path',
  '*.run_cell',
  'code.InteractiveInterpreter.runsource',
  'types.CodeType',
  'types.FunctionType',
];
const SPAWNERS = [
  'os.fork',
  'os.forkpty',
  'subprocess.Popen',
  'subprocess.run',
  'subprocess.call',
  'os.system',
  'os.popen',
  'multiprocessing.Process',
];
const SHELLS = /^(?:\/(?:usr\/)?(?:local\/)?bin\/)?(?:ba|z|da|k|c|tc)?sh$/;
const NETWORK_MODULES = ['socket', 'ssl', 'urllib.request', 'urllib3', 'http.client', 'http.server', 'httpx', 'aiohttp', 'ftplib', 'smtplib', 'poplib', 'imaplib', 'telnetlib', 'socketserver', 'xmlrpc.client', 'paramiko', 'websocket', 'websockets', 'asyncio.open_connection', 'asyncio.start_server', 'asyncio.open_unix_connection']; // prettier-ignore

const wantsShell = (event: CallEvent): boolean => {
  const shell = event.named.get('shell');
  return shell !== undefined && !shell.some((value) => value.kind === 'path' && value.path === 'False');
};
const startsShell = (event: CallEvent): boolean =>
  (event.args[0] ?? []).some((value) => {
    const name =
      value.kind === 'list'
        ? singleText(value.items[0] ?? [])?.text
        : value.kind === 'text'
          ? value.text
          : '';
    return SHELLS.test((name ?? '').split(' ')[0]!);
  });
const tiedToSocket = (event: CallEvent): boolean =>
  ['stdin', 'stdout', 'stderr'].some((name) =>
    pathsOf(event.named.get(name) ?? []).some((path) => /^socket\.|\.fileno|makefile/.test(path)),
  ) && startsShell(event);
const dupsOntoStandard = (event: CallEvent): boolean =>
  pathsOf(event.args[0] ?? []).some((path) => path.endsWith('.fileno()')) &&
  (event.args[1] ?? []).some((value) => value.kind === 'number' && value.value <= 2) &&
  pathsOf(event.args[0] ?? []).some((path) => /^(?:socket\.|\?\.fileno)/.test(path));
const walksClasses = ({ path }: { path: string }): boolean =>
  /(?:__class__|__bases?__|__mro__|mro\(\)).*\.__subclasses__$|^(?:object|type)\.__subclasses__$|^\?\.__getattribute__.*__subclasses__$/.test(
    path,
  );
const flagsOf = (event: CallEvent): string =>
  [...(event.args[1] ?? []), ...(event.named.get('flags') ?? [])]
    .flatMap((value) => (value.kind === 'path' ? [value.path] : []))
    .join(' ');
const loadsUnsafeYaml = (event: CallEvent): boolean => {
  const loader = [...(event.named.get('Loader') ?? []), ...(event.args[1] ?? [])].flatMap((value) =>
    value.kind === 'path' ? [value.path] : [],
  );
  return (
    event.path !== 'yaml.load' || loader.length === 0 || loader.some((path) => !/Safe|BaseLoader/.test(path))
  );
};
const PICKLE_CALL = /\x80[\x02-\x05].*[R\x81\x93]|c(?:os|posix|subprocess|builtins|__builtin__|nt)\n|\(S'/s; // oxlint-disable-line no-control-regex

export const PYTHON_TRIGGERS: readonly Trigger[] = [
  onCall('no-hidden-code', ['eval', 'exec', 'compile'], runsHidden),
  onCall('no-hidden-code', ['marshal.loads', 'types.CodeType']),
  onCall('no-remote-code', ['eval', 'exec', 'compile'], runsRemote),
  onCall('no-reverse-shell', ['pty.spawn'], startsShell),
  onCall('no-reverse-shell', ['os.dup2'], dupsOntoStandard),
  onCall('no-reverse-shell', ['subprocess.Popen', 'subprocess.run', 'subprocess.call'], tiedToSocket),
  onCall('no-fork-bomb', SPAWNERS, isEndless),
  onCall('no-destructive-command', ['shutil.rmtree', 'os.removedirs', 'os.rmdir'], removesVital),
  onCall('no-sensitive-path', OPENERS, opensSecret),
  onCall('no-sensitive-path', ['open', 'os.open', 'io.FileIO', 'codecs.open'], (event) => writesSystem(event) || (touchesSystem(event) && /O_(?:WRONLY|RDWR)/.test(flagsOf(event)))),
  onCall('no-sensitive-path', ['os.remove', 'os.unlink', 'os.rename', 'os.replace', 'os.chmod', 'os.chown', 'os.truncate'], touchesSystem),
  onCall('no-credential-listing', OPENERS, opensUserList),
  onName('no-credential-listing', ['pwd.getpwall', 'spwd.getspall', 'spwd.getspnam', 'grp.getgrall']),
  onCall('no-metadata-service', REQUESTERS, asksMetadata),
  onCall('no-crypto-mining', ['*'], (event) => event.path !== 'print' && mines(event)),
  onCall('no-process-tampering', ['os.kill', 'os.killpg', 'signal.pidfd_send_signal', 'psutil.Process'], killsOthers),
  onName('no-process-tampering', ['os.pidfd_open', 'sys.remote_exec']),
  onName('no-privilege-escalation', ['os.setuid', 'os.setgid', 'os.seteuid', 'os.setegid', 'os.setreuid', 'os.setregid', 'os.setresuid', 'os.setresgid', 'os.setgroups', 'os.initgroups', 'os.chroot', 'os.unshare', 'os.setns', 'os.mknod', 'os.pivot_root']),
  onName('no-native-memory', ['ctypes.CDLL', 'ctypes.PyDLL', 'ctypes.WinDLL', 'ctypes.OleDLL', 'ctypes.LibraryLoader', 'ctypes.cdll', 'ctypes.pydll', 'ctypes.windll', 'ctypes.pythonapi', 'ctypes.memmove', 'ctypes.memset', 'ctypes.string_at', 'ctypes.wstring_at', 'ctypes.cast', 'ctypes.py_object', 'ctypes.CFUNCTYPE', 'ctypes.PYFUNCTYPE', 'ctypes.util.find_library', '*.from_address', 'cffi.FFI', 'mmap.PROT_EXEC', '_ctypes.*', '_testcapi.*', '_testinternalcapi.*', 'numpy.ctypeslib.load_library', 'ctypes.*.from_address']),
  onName('no-interpreter-internals', ['*.__subclasses__'], walksClasses),
  onName('no-interpreter-internals', ['*.__globals__', '*.__builtins__', '*.f_back', '*.f_globals', '*.f_locals', '*.f_builtins', '*.gi_frame', '*.cr_frame', '*.ag_frame', '*.func_globals', 'sys._getframe', 'sys._current_frames', 'gc.get_objects', 'gc.get_referrers', 'gc.get_referents', 'inspect.getouterframes', '_xxsubinterpreters.*', '_interpreters.*']),
  onAssign('no-interpreter-internals', ['*.__code__', '*.__bases__', '*.__globals__']),
  onCall('no-unsafe-pickle', ['pickle.loads'], (event) => textsOf(event.args[0] ?? []).some((text) => PICKLE_CALL.test(text))),
  onCall('no-unsafe-pickle', ['os.system', 'os.popen', 'os.execv', 'os.execl', 'os.remove', 'subprocess.Popen', 'subprocess.run', 'subprocess.call', 'subprocess.check_output', 'subprocess.check_call', 'subprocess.getoutput', 'eval', 'exec', 'compile', '__import__', 'shutil.rmtree', 'pty.spawn', 'runpy.run_path', 'runpy._run_code'].map((name) => `__reduce__:${name}`)),
  onName('no-forged-verdict', ['os._exit', 'os.abort', '_pytest.*', 'faulthandler._sigsegv', 'faulthandler._read_null']),
  onAssign('no-forged-verdict', ['pytest.*', 'unittest.*', 'unittest.TestCase.*', 'unittest.case.*', '_pytest.*', 'builtins.*', 'operator.*', 'math.*', 'sys.exit', 'sys.modules[]', 'sys.excepthook', 'sys.unraisablehook', 'assert', 'isinstance', 'len', 'abs', 'sum', 'sorted', 'print', 'range', 'open', 'min', 'max', 'round', 'any', 'all', 'type']),
  onCall('no-forged-verdict', ['setattr'], (event) => pathsOf(event.args[0] ?? []).some((path) => /^(?:builtins|pytest|_pytest|unittest|operator|math)(?:\.|$)/.test(path))),
  onCall('no-dynamic-attribute', ['getattr'], (event) =>
    pathsOf(event.args[0] ?? []).some((path) => /^(?:os|subprocess|builtins|__builtins__|sys|ctypes|importlib|pty)$/.test(path)) && (event.args[1] ?? []).every((value) => value.kind !== 'text')),
  onName('no-shell', ['os.system', 'os.popen', 'subprocess.getoutput', 'subprocess.getstatusoutput', 'asyncio.create_subprocess_shell', 'commands.getoutput']),
  onCall('no-shell', ['subprocess.run', 'subprocess.Popen', 'subprocess.call', 'subprocess.check_call', 'subprocess.check_output'], wantsShell),
  onName('no-eval', ['eval', 'exec', 'compile', 'execfile', ...RUNNERS.slice(3), 'code.interact', 'code.InteractiveConsole', 'runpy.run_module']),
  onName('no-dynamic-import', ['__import__', 'importlib.*', 'pkgutil.*', 'imp.*', 'zipimport.*', 'sys.path', 'sys.meta_path', 'sys.path_hooks', 'sys.modules', 'site.addsitedir']),
  onName('no-process-spawn', ['subprocess.*', 'os.fork', 'os.forkpty', 'os.execl', 'os.execle', 'os.execlp', 'os.execlpe', 'os.execv', 'os.execve', 'os.execvp', 'os.execvpe', 'os.spawnl', 'os.spawnle', 'os.spawnlp', 'os.spawnlpe', 'os.spawnv', 'os.spawnve', 'os.spawnvp', 'os.spawnvpe', 'os.posix_spawn', 'os.posix_spawnp', 'os.startfile', 'os.kill', 'os.killpg', 'pty.*', 'multiprocessing.*', 'concurrent.futures.ProcessPoolExecutor', 'asyncio.create_subprocess_exec', 'pexpect.*', 'sh.*']),
  onName('no-network', NETWORK_MODULES.flatMap((name) => (/\.[a-z]+_/.test(name) ? [name] : [`${name}.*`]))),
  onCall('no-file-write', ['open', 'io.FileIO', 'codecs.open', '*.open'], opensForWriting),
  onName('no-file-write', ['os.remove', 'os.unlink', 'os.rmdir', 'os.removedirs', 'os.rename', 'os.renames', 'os.replace', 'os.mkdir', 'os.makedirs', 'os.chmod', 'os.chown', 'os.link', 'os.symlink', 'os.truncate', 'os.open', 'shutil.*', 'tempfile.*', '*.write_text', '*.write_bytes', '*.unlink', '*.rmdir', '*.symlink_to', '*.hardlink_to']),
  onName('no-unsafe-deserialization', ['pickle.load', 'pickle.loads', 'pickle.Unpickler', 'marshal.load', 'marshal.loads', 'shelve.open', 'joblib.load', 'pandas.read_pickle', 'jsonpickle.decode']),
  onCall('no-unsafe-deserialization', ['yaml.load', 'yaml.unsafe_load', 'yaml.full_load', 'yaml.load_all'], loadsUnsafeYaml),
  onCall('no-unsafe-deserialization', ['numpy.load'], (event) => event.named.has('allow_pickle')),
  onName('no-environment', ['os.environ', 'os.environb', 'os.getenv', 'os.putenv']),
]; // prettier-ignore

export const PYTHON_EMBEDS: readonly { readonly paths: readonly string[]; readonly language: 'self' | 'bash'; readonly how: 'text' | 'command' | 'path-and-list' | 'path-and-rest' }[] = [
  { paths: ['eval', 'exec', 'compile'], language: 'self', how: 'text' },
  { paths: ['os.system', 'os.popen', 'subprocess.getoutput', 'subprocess.getstatusoutput', 'asyncio.create_subprocess_shell', 'commands.getoutput'], language: 'bash', how: 'text' },
  { paths: ['subprocess.run', 'subprocess.Popen', 'subprocess.call', 'subprocess.check_call', 'subprocess.check_output', 'pty.spawn'], language: 'bash', how: 'command' },
  { paths: ['os.execv', 'os.execve', 'os.execvp', 'os.execvpe', 'os.posix_spawn', 'os.posix_spawnp'], language: 'bash', how: 'path-and-list' },
  { paths: ['os.execl', 'os.execlp', 'os.execle', 'os.execlpe', 'asyncio.create_subprocess_exec'], language: 'bash', how: 'path-and-rest' },
]; // prettier-ignore

/** Modules whose import under a hidden name shows what the hiding is for. */
export const PYTHON_SENSITIVE_MODULES: ReadonlySet<string> = new Set(['os', 'sys', 'subprocess', 'ctypes', 'cffi', 'socket', 'builtins', 'importlib', 'pty', 'shutil', 'signal', 'multiprocessing', 'posix', 'nt', '_ctypes', '_posixsubprocess', 'gc', 'inspect', 'marshal', 'pickle', 'code', 'runpy', 'threading', 'resource', 'fcntl', 'mmap']); // prettier-ignore
