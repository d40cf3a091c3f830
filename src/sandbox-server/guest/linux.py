"""The few kernel calls that Python's standard library lacks on some of the supported versions."""

import ctypes
import errno
import os

libc = ctypes.CDLL(None, use_errno=True)

CLONE_NEWNS = 0x0002_0000
CLONE_NEWCGROUP = 0x0200_0000
CLONE_NEWUTS = 0x0400_0000
CLONE_NEWIPC = 0x0800_0000
CLONE_NEWUSER = 0x1000_0000
CLONE_NEWPID = 0x2000_0000
CLONE_NEWNET = 0x4000_0000

MADV_DONTNEED = 4
MS_NOSUID, MS_NODEV, MS_REMOUNT = 2, 4, 32

SYS_OPEN_TREE, SYS_OPENAT2, SYS_MOUNT_SETATTR = 428, 437, 442
AT_FDCWD, OPEN_TREE_CLONE = -100, 0x01
AT_EMPTY_PATH, MOUNT_ATTR_RDONLY = 0x1000, 0x01
OPEN_TRIES = 64
RESOLVE_NO_XDEV, RESOLVE_NO_MAGICLINKS, RESOLVE_IN_ROOT = 0x01, 0x02, 0x10

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_NAME = 15
PR_SET_SECCOMP = 22
PR_CAPBSET_DROP = 24
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47


def check(result: int, what: str) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f'{what}: {os.strerror(code)}')
    return result


def prctl(option: int, a=0, b=0, c=0, d=0):
    word = ctypes.c_ulong
    check(libc.prctl(option, word(a), word(b), word(c), word(d)), f'prctl {option}')


def setns(fd: int, flags: int):
    check(libc.setns(fd, flags), f'setns {flags:#x}')


def remount_tmpfs(path: str, options: str):
    flags = ctypes.c_ulong(MS_NOSUID | MS_NODEV | MS_REMOUNT)
    check(libc.mount(b'tmpfs', path.encode(), b'tmpfs', flags, options.encode()), f'remount {path}')


def mount_tmpfs(path: str, options: str):
    flags = ctypes.c_ulong(MS_NOSUID | MS_NODEV)
    check(libc.mount(b'tmpfs', path.encode(), b'tmpfs', flags, options.encode()), f'mount {path}')


def copy_mount(path: str) -> int:
    """A descriptor of the root of a copy of a mount, which is in no tree: what is done to the copy is not done to the mount."""
    flags = OPEN_TREE_CLONE | os.O_CLOEXEC
    return check(libc.syscall(SYS_OPEN_TREE, AT_FDCWD, path.encode(), flags), 'open_tree')


class _MountAttr(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ('set', 'clear', 'propagation', 'userns_fd')]


def set_read_only(mount: int, read_only: bool):
    """Of the mount whose root a descriptor stands for. Not while something in it is open for writing."""
    flags = MOUNT_ATTR_RDONLY
    attr = _MountAttr(flags if read_only else 0, 0 if read_only else flags, 0, 0)
    size = ctypes.c_size_t(ctypes.sizeof(attr))
    check(libc.syscall(SYS_MOUNT_SETATTR, mount, b'', AT_EMPTY_PATH, ctypes.byref(attr), size), 'mount_setattr')


class _OpenHow(ctypes.Structure):
    _fields_ = [('flags', ctypes.c_uint64), ('mode', ctypes.c_uint64), ('resolve', ctypes.c_uint64)]


def open_in_root(root: int, path: str, flags: int, mode: int = 0) -> int:
    """Opens a path as if the folder `root` were the root of the file system, links and `..` included."""
    how = _OpenHow(flags, mode, RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_IN_ROOT)
    for _ in range(OPEN_TRIES):
        fd = libc.syscall(SYS_OPENAT2, root, os.fsencode(path), ctypes.byref(how), ctypes.c_size_t(ctypes.sizeof(how)))
        if fd >= 0:
            return fd
        code = ctypes.get_errno()
        # The kernel's word for a tree that changed while it looked; and for a file on which a program has a lease, for as long as it likes.
        if code not in (errno.EAGAIN, errno.EINTR):
            raise OSError(code, os.strerror(code), f'/{path}')
    raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), f'/{path}')


def return_unused_memory():
    """Gives back what only the start needed: free pages of the allocator, and mapped pages of libraries.

    The latter come back from the page cache as they are used; only mappings that cannot have been changed are touched.
    """
    trim = getattr(libc, 'malloc_trim', None)  # glibc's only.
    if trim is not None:
        trim(0)
    span = None
    with open('/proc/self/smaps') as file:
        lines = file.readlines()
    for line in lines:
        fields = line.split()
        if not fields[0].endswith(':'):
            is_library = len(fields) > 5 and fields[5].startswith('/') and 'w' not in fields[1]
            span = [int(edge, 16) for edge in fields[0].split('-')] if is_library else None
        elif fields[0] == 'Anonymous:' and span and fields[1] == '0':
            start, end = span
            libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), MADV_DONTNEED)


def drop_capabilities():
    """Empties every capability set, the bounding set included; needs CAP_SETPCAP for the latter."""
    for capability in range(64):
        if libc.prctl(PR_CAPBSET_DROP, ctypes.c_ulong(capability), 0, 0, 0) != 0:
            break
    libc.prctl(PR_CAP_AMBIENT, ctypes.c_ulong(4), 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(0x2008_0522, 0)
    check(libc.capset(header, (ctypes.c_uint32 * 6)()), 'capset')
