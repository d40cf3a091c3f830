"""Joining a holder's namespaces."""

import fcntl
import os

from . import linux

NS_GET_USERNS = 0xB701

# What belongs to no process, so that no limit of processes holds it. Each is a namespace's own and goes for the sandbox alone.
SETTINGS = {
    # Enough for honest programs; of the host's one user there are as few as 128 instances for all sandboxes together.
    'user/max_inotify_instances': '32',
    'user/max_inotify_watches': '16384',
    # A second wall behind the filter of system calls.
    **{f'user/max_{kind}_namespaces': '0' for kind in ('user', 'mnt', 'pid', 'net', 'ipc', 'uts', 'cgroup', 'time')},
    'kernel/sem': '250 8192 100 128',
    'kernel/msgmni': '32',
    'kernel/shmmni': '0',
    'fs/mqueue/queues_max': '32',
    'net/ipv4/tcp_rmem': '4096 131072 262144',
    'net/ipv4/tcp_wmem': '4096 16384 262144',
}


def join(pid: int, pidfd: int, as_owner, settings: dict = SETTINGS):
    """Puts this process into the namespaces of `pid`; its PID namespace takes only the children forked from here on.

    bwrap makes two user namespaces, one inside the other: the mounts belong to the first, the processes live in the
    second. So the owner of the mounts is joined first, for its capabilities, and the last one at the end. In between,
    `as_owner()` may change the mounts.
    """
    mounts = os.open(f'/proc/{pid}/ns/mnt', os.O_RDONLY)
    final = os.open(f'/proc/{pid}/ns/user', os.O_RDONLY)
    owner = fcntl.ioctl(mounts, NS_GET_USERNS)
    own_cgroup = os.stat(f'/proc/{pid}/ns/cgroup').st_ino != os.stat('/proc/self/ns/cgroup').st_ino
    flags = linux.CLONE_NEWNET | linux.CLONE_NEWIPC | linux.CLONE_NEWUTS | linux.CLONE_NEWPID
    linux.setns(owner, linux.CLONE_NEWUSER)
    linux.setns(pidfd, flags | (linux.CLONE_NEWCGROUP if own_cgroup else 0))
    bound(settings)
    linux.setns(pidfd, linux.CLONE_NEWNS)
    as_owner()
    if os.fstat(owner).st_ino != os.fstat(final).st_ino:
        linux.setns(final, linux.CLONE_NEWUSER)
    for fd in (mounts, final, owner):
        os.close(fd)


def bound(settings: dict):
    """Sets what the namespaces joined so far may hold; a kernel that lacks a setting lacks what it is about, or leaves it to the host."""
    for name, value in settings.items():
        try:
            fd = os.open(f'/proc/sys/{name}', os.O_WRONLY)
        except OSError:
            continue
        try:
            os.write(fd, value.encode())
        finally:
            os.close(fd)
