"""Forking into the sandbox: what a command and a kernel have in common."""

import errno
import fcntl
import os
import shutil
import signal
import traceback

from .limits import PRLIMIT, confine_fork, prlimit_command


# Python ignores the first two, the supervisor the third.
DEFAULT_SIGNALS = [signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT]


def start_program(sandbox, argv: list, env: dict, cwd: str, file_actions: list) -> int:
    """Starts a program in a session of its own; its pid as seen from here.

    By way of vfork, which a fork of this size is ten times slower than: so nothing can run between fork and exec, and
    prlimit(1) sets the limits. The filter of system calls comes from the supervisor, which has it too.
    """
    os.chdir(cwd)
    try:
        if shutil.which(argv[0], path=env.get('PATH')) is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), argv[0])
        command = [*prlimit_command(sandbox.limits), *argv]
        return os.posix_spawn(
            PRLIMIT, command, env, file_actions=file_actions, setsid=True, setsigdef=DEFAULT_SIGNALS, setsigmask=[]
        )
    finally:
        os.chdir('/')


def fork_into_sandbox(sandbox, body) -> int:
    """Runs `body()` in a confined fork inside the sandbox's PID namespace; it must not return. The pid is as seen from here."""
    pid = os.fork()
    if pid:
        return pid
    try:
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        os.setsid()
        body(lambda: confine_fork(sandbox.limits))
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(127)


def adopt(sandbox, pidfd: int) -> int:
    """Makes a new process the host's first to end when memory runs out; the number that it has inside the sandbox."""
    fd = os.open(str(pidfd), os.O_RDONLY, dir_fd=sandbox.fdinfo)
    try:
        numbers = next(line for line in os.read(fd, 4096).splitlines() if line.startswith(b'NSpid:'))
    finally:
        os.close(fd)
    pid = int(numbers.split()[-1])
    try:
        with open(f'/proc/{pid}/oom_score_adj', 'wb', buffering=0) as file:
            file.write(b'800')
    except OSError:
        pass  # It has ended already.
    return pid


def place(sources: dict):
    """Makes each fd of `{target: source}` appear at its target number, and closes all others."""
    staged = {}
    top = max(*sources, *sources.values()) + 1
    for target, source in sources.items():
        staged[target] = fcntl.fcntl(source, fcntl.F_DUPFD, top)
    for target, source in staged.items():
        os.dup2(source, target, inheritable=True)
    last = -1
    for target in sorted(sources):
        if target > last + 1:  # closerange takes an empty range from 0 for all there are.
            os.closerange(last + 1, target)
        last = target
    os.closerange(last + 1, 65536)


def proc_pids() -> list:
    """The sandbox's processes by their own numbers, without its first one."""
    return [int(name) for name in os.listdir('/proc') if name.isdigit() and name != '1']


def kill_inner(pid: int, number: int) -> bool:
    """Signals a process by the number it has inside: a /proc folder serves as its pidfd."""
    try:
        fd = os.open(f'/proc/{pid}', os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return False
    try:
        signal.pidfd_send_signal(fd, number)
        return True
    except OSError:
        return False
    finally:
        os.close(fd)


def read_stat(pid: int):
    """(parent, group, session, state) of a process of the sandbox, or None."""
    try:
        with open(f'/proc/{pid}/stat', 'rb') as file:
            fields = file.read().rpartition(b')')[2].split()
        return int(fields[1]), int(fields[2]), int(fields[3]), fields[0].decode()
    except (OSError, IndexError, ValueError):
        return None


def family(pid: int) -> set:
    """`pid`, its descendants, and all in its session: what a command has started, unless it took care to hide it."""
    stats = {other: stat for other in proc_pids() if (stat := read_stat(other))}
    found = {pid}
    while True:
        more = {other for other, stat in stats.items() if other not in found and (stat[0] in found or stat[2] == pid)}
        if not more:
            return found
        found |= more
