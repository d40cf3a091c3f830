import { execFile } from 'node:child_process';
import { chmodSync, existsSync, lstatSync, mkdtempSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

import { findBwrap, findPython } from '../../src/embedded/toolchain.ts';
import { assayHome, PROJECT_ROOT } from '../../src/home.ts';
import { hasMountRights } from '../../src/sandbox-server/link/nest-args.ts';
import type { Attempt } from './corpus.ts';
import type { Change } from './guards.ts';

const run = promisify(execFile);
/** For root bubblewrap covers parts of /proc, and then nothing inside could mount one; so it is mounted by hand, and root given up. */
const WITH_PROC = 'mount -t proc -o nosuid,nodev,noexec proc /proc && exec "$@"';
const AS_ORDINARY_USER = ['setpriv', '--reuid', '1000', '--regid', '1000', '--clear-groups', '--'];
/** Every address is the host's, so that whatever a sandbox should not reach is there. */
const ALL_ADDRESSES = '0.0.0.0/0,::/0';
const SYSTEM = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32'];

/**
 * Runs attempts against a server with changes, inside an outer sandbox with processes, files, users and a network of its own: what gets out of the
 * inner one is there, and nowhere else.
 * @returns what each attempt printed
 */
export async function runInside(attempts: Attempt[], changes: Change[]): Promise<Record<string, string>> {
  const folder = mkdtempSync(join(tmpdir(), 'assay-escapes-'));
  chmodSync(folder, 0o755);
  const input = join(folder, 'input.json');
  const python = findPython();
  const bwrap = findBwrap();
  const { stdout: prefix } = await run(python, ['-c', 'import sys; print(sys.base_prefix)']);
  writeFileSync(
    input,
    JSON.stringify({
      changes,
      programs: attempts,
    }),
  );
  const system = SYSTEM.filter((name) => existsSync(`/${name}`)).flatMap((name) =>
    lstatSync(`/${name}`).isSymbolicLink()
      ? ['--symlink', readlinkSync(`/${name}`), `/${name}`]
      : ['--ro-bind', `/${name}`, `/${name}`],
  );
  const paths = [PROJECT_ROOT, assayHome(), prefix.trim(), dirname(process.execPath), folder];
  const readOnly = paths
    .filter((path) => !path.startsWith('/usr'))
    .flatMap((path) => [
      ...ancestors(path).flatMap((each) => ['--perms', '0755', '--dir', each]),
      '--ro-bind',
      path,
      path,
    ]);
  const program = [
    process.execPath,
    '--disable-warning=ExperimentalWarning',
    join(PROJECT_ROOT, 'test/escapes/inside.ts'),
  ];
  const isRoot = hasMountRights();
  const enter = [python, '-B', join(PROJECT_ROOT, 'test/support/own-internet/enter.py')];
  const own = [...enter, PROJECT_ROOT, ALL_ADDRESSES, ...(isRoot ? AS_ORDINARY_USER : [])];
  const command = [...own, ...program, PROJECT_ROOT, input];
  const args = [
    ...(isRoot ? [] : ['--unshare-user', '--uid', '1000', '--gid', '1000']),
    ...['--unshare-pid', '--unshare-net', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup-try'],
    ...['--die-with-parent', '--new-session', '--clearenv', '--ro-bind', '/usr', '/usr', ...system],
    ...['--ro-bind', '/etc', '/etc', ...(isRoot ? ['--dir', '/proc'] : ['--proc', '/proc']), '--dev', '/dev'],
    ...['/tmp', '/srv', '/run'].flatMap((path) => ['--perms', '1777', '--tmpfs', path]),
    ...readOnly,
    ...[
      '--setenv',
      'PATH',
      '/usr/local/bin:/usr/bin:/bin',
      '--setenv',
      'HOME',
      '/tmp',
      '--setenv',
      'ASSAY_HOME',
      assayHome(),
      '--chdir',
      '/tmp',
    ],
    ...['--', ...(isRoot ? ['/bin/sh', '-c', WITH_PROC, 'sh'] : []), ...command],
  ];
  try {
    const { stdout } = await run(bwrap, args, { timeout: 240_000, maxBuffer: 16 * 1024 * 1024 });
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}') as Record<string, string>;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function ancestors(path: string): string[] {
  const parent = dirname(path);
  return parent === '/' ? [] : [...ancestors(parent), parent];
}
