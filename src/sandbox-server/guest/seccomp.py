"""The system calls that code in a sandbox does not get, as a classic BPF program.

A second wall: namespaces and missing capabilities already make most of these fail. This one keeps the kernel's
less trodden code (io_uring, bpf, keyrings, mounts in new user namespaces) out of reach.
"""

import ctypes
import errno
import functools
import platform
import struct

from . import linux

AUDIT_ARCH = {'x86_64': 0xC000_003E, 'aarch64': 0xC000_00B7}
X32_BIT = 0x4000_0000

# Numbers from 424 on are the same on every architecture.
COMMON = {
    'io_uring_setup': 425, 'io_uring_enter': 426, 'io_uring_register': 427, 'open_tree': 428, 'move_mount': 429,
    'fsopen': 430, 'fsconfig': 431, 'fsmount': 432, 'fspick': 433, 'clone3': 435, 'close_range': 436, 'pidfd_getfd': 438,
    'process_madvise': 440, 'mount_setattr': 442, 'quotactl_fd': 443, 'memfd_secret': 447, 'cachestat': 451,
    'statmount': 457, 'listmount': 458, 'lsm_get_self_attr': 459, 'lsm_set_self_attr': 460, 'lsm_list_modules': 461,
    'open_tree_attr': 467,
}  # fmt: skip

X86_64 = {
    'mount': 165, 'umount2': 166, 'pivot_root': 155, 'chroot': 161, 'swapon': 167, 'swapoff': 168, 'reboot': 169,
    'sethostname': 170, 'setdomainname': 171, 'iopl': 172, 'ioperm': 173, 'init_module': 175, 'delete_module': 176,
    'quotactl': 179, 'kexec_load': 246, 'add_key': 248, 'request_key': 249, 'keyctl': 250, 'unshare': 272,
    'perf_event_open': 298, 'fanotify_init': 300, 'name_to_handle_at': 303, 'open_by_handle_at': 304,
    'clock_adjtime': 305, 'setns': 308, 'process_vm_readv': 310, 'process_vm_writev': 311, 'kcmp': 312,
    'finit_module': 313, 'memfd_create': 319, 'kexec_file_load': 320, 'bpf': 321, 'userfaultfd': 323,
    'ptrace': 101, 'shmget': 29, 'syslog': 103, 'acct': 163, 'settimeofday': 164, 'adjtimex': 159,
    'clock_settime': 227, 'personality': 135, 'lookup_dcookie': 212, 'modify_ldt': 154, 'vhangup': 153,
    'uselib': 134, 'clone': 56, 'ioctl': 16, 'socket': 41, 'socketpair': 53, 'fcntl': 72, 'io_setup': 206,
    'vmsplice': 278, **COMMON,
}  # fmt: skip

AARCH64 = {
    'mount': 40, 'umount2': 39, 'pivot_root': 41, 'chroot': 51, 'swapon': 224, 'swapoff': 225, 'reboot': 142,
    'sethostname': 161, 'setdomainname': 162, 'init_module': 105, 'delete_module': 106, 'quotactl': 60,
    'kexec_load': 104, 'add_key': 217, 'request_key': 218, 'keyctl': 219, 'unshare': 97, 'perf_event_open': 241,
    'fanotify_init': 262, 'name_to_handle_at': 264, 'open_by_handle_at': 265, 'clock_adjtime': 266, 'setns': 268,
    'process_vm_readv': 270, 'process_vm_writev': 271, 'kcmp': 272, 'finit_module': 273, 'memfd_create': 279,
    'bpf': 280, 'userfaultfd': 282, 'kexec_file_load': 294, 'ptrace': 117, 'shmget': 194, 'syslog': 116,
    'acct': 89, 'settimeofday': 170, 'adjtimex': 171, 'clock_settime': 112, 'personality': 92,
    'lookup_dcookie': 18, 'vhangup': 58, 'clone': 220, 'ioctl': 29, 'socket': 198, 'socketpair': 199, 'fcntl': 25,
    'io_setup': 0, 'vmsplice': 75, **COMMON,
}  # fmt: skip

SYSCALLS = {'x86_64': X86_64, 'aarch64': AARCH64}

# Not there rather than forbidden: libraries then take their older way (clone3 → clone, memfd → a file). Memory behind a
# memfd or a SysV segment that nobody maps would escape the memory limit, and so would pages that vmsplice puts into a pipe. The
# number of AIO contexts is the whole host's, and what is in its page cache tells of others.
ABSENT = {
    'clone3', 'memfd_create', 'memfd_secret', 'shmget', 'vmsplice', 'io_setup', 'cachestat', 'io_uring_setup',
    'io_uring_enter', 'io_uring_register',
}  # fmt: skip
SPECIAL = {'clone', 'unshare', 'ioctl', 'socket', 'socketpair', 'personality', 'fcntl', 'close_range'}

# CLONE_NEWTIME, NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET; 0x80 is part of clone's exit signal.
NEW_NAMESPACES = 0x7E02_0000
# A thread with descriptors of its own could hide them from who counts them.
CLONE_FILES, CLONE_THREAD, CLOSE_RANGE_UNSHARE = 0x400, 0x1_0000, 2
# Leases keep others from opening a file of the template, F_NOTIFY tells when they do.
F_SETLEASE, F_NOTIFY = 1024, 1026
TERMINAL_INJECTION = (0x5412, 0x541C)
AF_UNIX, AF_INET, AF_INET6, AF_NETLINK = 1, 2, 10, 16
PERSONALITIES = (0, 0x0004_0000, 0xFFFF_FFFF)

LOAD, JEQ, JGE, JSET, RET = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, KILL = 0x7FFF_0000, 0x8000_0000


def _fail(code: int) -> int:
    return 0x0005_0000 | code


def _argument(index: int) -> int:
    return 16 + 8 * index


@functools.cache
def build(machine: str = platform.machine()) -> bytes:
    """The filter for this machine; `b''` where its system calls are not known."""
    numbers = SYSCALLS.get(machine)
    if numbers is None:
        return b''
    program = []

    def emit(code, value, jump_true=0, jump_false=0):
        program.append(struct.pack('=HBBI', code, jump_true, jump_false, value & 0xFFFF_FFFF))

    def rule(name, body):
        """`body` is a list of instructions that ends in a return; skipped for other calls."""
        emit(JEQ, numbers[name], 0, len(body))
        for instruction in body:
            emit(*instruction)

    emit(LOAD, 4)
    emit(JEQ, AUDIT_ARCH[machine], 1, 0)
    emit(RET, KILL)
    emit(LOAD, 0)
    if machine == 'x86_64':
        emit(JGE, X32_BIT, 0, 1)
        emit(RET, _fail(errno.ENOSYS))
    for name, number in numbers.items():
        if name in SPECIAL:
            continue
        emit(JEQ, number, 0, 1)
        emit(RET, _fail(errno.ENOSYS if name in ABSENT else errno.EPERM))
    allow, deny = (RET, ALLOW), (RET, _fail(errno.EPERM))
    rule(
        'clone',
        [
            (LOAD, _argument(0)),
            (JSET, NEW_NAMESPACES, 2, 0),
            (JSET, CLONE_THREAD, 0, 2),
            (JSET, CLONE_FILES, 1, 0),
            deny,
            allow,
        ],
    )
    # unshare also takes CLONE_NEWTIME, which is 0x80.
    rule('unshare', [(LOAD, _argument(0)), (JSET, NEW_NAMESPACES | 0x80 | CLONE_FILES, 0, 1), deny, allow])
    rule(
        'ioctl',
        [(LOAD, _argument(1)), (JEQ, TERMINAL_INJECTION[0], 1, 0), (JEQ, TERMINAL_INJECTION[1], 0, 1), deny, allow],
    )
    invalid = (RET, _fail(errno.EINVAL))
    rule('close_range', [(LOAD, _argument(2)), (JSET, CLOSE_RANGE_UNSHARE, 0, 1), invalid, allow])
    rule('fcntl', [(LOAD, _argument(1)), (JEQ, F_SETLEASE, 1, 0), (JEQ, F_NOTIFY, 0, 1), invalid, allow])
    family = (RET, _fail(errno.EAFNOSUPPORT))
    rule(
        'socket',
        [
            (LOAD, _argument(0)),
            (JEQ, AF_UNIX, 5, 0),
            (JEQ, AF_INET, 4, 0),
            (JEQ, AF_INET6, 3, 0),
            (JEQ, AF_NETLINK, 0, 3),
            (LOAD, _argument(2)),
            (JEQ, 0, 0, 1),
            allow,
            family,
        ],
    )
    rule('socketpair', [(LOAD, _argument(0)), (JEQ, AF_UNIX, 0, 1), allow, family])
    first, second, third = PERSONALITIES
    rule(
        'personality',
        [(LOAD, _argument(0)), (JEQ, first, 2, 0), (JEQ, second, 1, 0), (JEQ, third, 0, 1), allow, deny],
    )
    emit(RET, ALLOW)
    return b''.join(program)


class _Program(ctypes.Structure):
    _fields_ = [('length', ctypes.c_ushort), ('filter', ctypes.c_void_p)]


class Filter:
    """A built filter that a forked child puts on itself with one call."""

    def __init__(self):
        code = build()
        self.buffer = ctypes.create_string_buffer(code, len(code)) if code else None
        self.program = _Program(len(code) // 8, ctypes.addressof(self.buffer)) if code else None

    def apply(self):
        linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
        if self.program is not None:
            linux.prctl(linux.PR_SET_SECCOMP, 2, ctypes.addressof(self.program))
