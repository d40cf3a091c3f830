"""Joining a holder's namespaces."""

import fcntl
import os

from . import linux

NS_GET_USERNS = 0xB701


def join(pid: int, pidfd: int, as_owner):
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
    linux.setns(pidfd, linux.CLONE_NEWNS)
    as_owner()
    if os.fstat(owner).st_ino != os.fstat(final).st_ino:
        linux.setns(final, linux.CLONE_NEWUSER)
    for fd in (mounts, final, owner):
        os.close(fd)
