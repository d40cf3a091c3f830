"""Forking into the sandbox: what a command and a kernel have in common."""

import fcntl
import os
import signal
import traceback

from .limits import confine


def fork_into_sandbox(sandbox, body, keeps_memory: bool = False) -> int:
    """Runs `body()` in a confined child inside the sandbox's PID namespace; it must exec or exit. The pid is as seen from here."""
    pid = os.fork()
    if pid:
        return pid
    try:
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        os.umask(0o022)
        body(lambda: confine(sandbox.limits, sandbox.filter, keeps_memory))
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(127)


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
