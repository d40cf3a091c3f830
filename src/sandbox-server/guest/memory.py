"""The memory limit of a sandbox as a whole, and its figures.

RLIMIT_DATA bounds each process; this bounds their sum by looking four times a second while anything runs.
"""

import os
import signal
import time

from .environment import HOME
from .kernel_memory import SocketMemory, held_by_kernel
from .limits import MB
from .spawn import kill_inner, proc_pids, read_stat

INTERVAL_S = 0.25
IDLE_INTERVAL_S = 1.0
MAX_DISCOUNTS = 4


def host_kills() -> int:
    """How many processes the kernel of the host has killed for want of memory; 0 where it does not tell."""
    try:
        with open('/proc/vmstat', 'rb') as file:
            return next((int(line.split()[1]) for line in file if line.startswith(b'oom_kill ')), 0)
    except OSError:
        return 0


def private_bytes(pid) -> int:
    """Anonymous and shared memory that a process maps, and its page tables; pages shared with the zygote count in full."""
    return _status_bytes(pid, (b'RssAnon:', b'RssShmem:', b'VmPTE:'))


def _status_bytes(pid, names) -> int:
    total = 0
    try:
        with open(f'/proc/{pid}/status', 'rb') as file:
            for line in file:
                if line.startswith(names):
                    total += int(line.split()[1]) << 10
    except OSError:
        pass
    return total


def proportional_bytes(pid: int):
    """The same with pages in common divided among their users; None of a process that has made itself unreadable."""
    total = 0
    try:
        with open(f'/proc/{pid}/smaps_rollup', 'rb') as file:
            for line in file:
                if line.startswith((b'Pss_Anon:', b'Pss_Shmem:')):
                    total += int(line.split()[1]) << 10
    except OSError:
        return None
    return total + _status_bytes(pid, (b'VmPTE:',))


def fair_usage(pids: list, inherited_bytes: int) -> dict:
    """What each process holds for itself.

    Of the unreadable ones (a test runner protects itself so), the first few are taken for forks of the zygote, whose
    pages they do not hold; not more, or that would be a way around the limit.
    """
    usage, discounts = {}, MAX_DISCOUNTS
    for pid in sorted(pids):
        size = proportional_bytes(pid)
        if size is None:
            size = private_bytes(pid)
            if discounts > 0:
                size, discounts = max(0, size - inherited_bytes), discounts - 1
        usage[pid] = size
    return usage


class MemoryGuard:
    def __init__(self, sandbox):
        self.sandbox = sandbox
        self.timer = None
        # Asked while this process has an entry in /proc: what its forks have in common with the zygote.
        self.inherited_bytes = private_bytes('self')
        self.cpu_sample = (time.monotonic(), 0.0)
        self.host_kills = host_kills()
        self.sockets = None

    def watch_sockets(self):
        """Called once in the sandbox's network, before the filter of system calls."""
        self.sockets = SocketMemory()

    def arm(self):
        if self.timer is None:
            self.timer = self.sandbox.loop.later(INTERVAL_S, self._tick)

    def _tick(self):
        self.timer = None
        pids = proc_pids()
        if not pids:
            return
        limit = self.sandbox.limits.memory_mb * MB
        held = held_by_kernel(pids, self.sockets)
        if sum(map(private_bytes, pids)) + sum(held.values()) > limit:
            usage = {pid: size + held[pid] for pid, size in fair_usage(pids, self.inherited_bytes).items()}
            while usage and sum(usage.values()) > limit:
                greediest = max(usage, key=usage.get)
                self._kill(greediest)
                del usage[greediest]
        running = any((stat := read_stat(pid)) and stat[3] in 'RD' for pid in pids)
        self.timer = self.sandbox.loop.later(INTERVAL_S if running else IDLE_INTERVAL_S, self._tick)

    def reason_of_kill(self):
        """Why a process of the sandbox was killed that nothing in here has killed: None where the host did not do it either."""
        before, self.host_kills = self.host_kills, host_kills()
        return 'the host ran out of memory' if self.host_kills > before else None

    def _kill(self, pid: int):
        reason = f'memory limit of {self.sandbox.limits.memory_mb} MB reached'
        for kernel in self.sandbox.contexts.kernels():
            if kernel.is_of(pid):
                kernel.killed_for = reason
        # A command is told of the children that it lost, too: its own exit code follows from that.
        commands = {process.pid: process for process in self.sandbox.processes.table.values()}
        ancestor = pid
        while ancestor and ancestor not in commands:
            stat = read_stat(ancestor)
            ancestor = stat and (stat[2] if stat[2] in commands else stat[0])
        if ancestor:
            commands[ancestor].killed_for = reason
        kill_inner(pid, signal.SIGKILL)

    def stats(self, stream, request):
        pids = proc_pids()
        ticks = 0
        for pid in pids:
            try:
                with open(f'/proc/{pid}/stat', 'rb') as file:
                    fields = file.read().rpartition(b')')[2].split()
                ticks += int(fields[11]) + int(fields[12])
            except (OSError, IndexError):
                pass
        cpu_s, now = ticks / os.sysconf('SC_CLK_TCK'), time.monotonic()
        elapsed = max(now - self.cpu_sample[0], 1e-3)
        used_pct = max(0.0, 100 * (cpu_s - self.cpu_sample[1]) / elapsed)
        self.cpu_sample = (now, cpu_s)
        used = sum(fair_usage(pids, self.inherited_bytes).values()) + sum(held_by_kernel(pids, self.sockets).values())
        disk = os.statvfs(HOME)
        stream.event(
            {
                'memUsedBytes': used,
                'memTotalBytes': self.sandbox.limits.memory_mb * MB,
                'cpuUsedPct': round(used_pct, 2),
                'cpuCount': len(os.sched_getaffinity(0)),
                'diskUsedBytes': (disk.f_blocks - disk.f_bfree) * disk.f_frsize,
                'diskTotalBytes': disk.f_blocks * disk.f_frsize,
                'processes': len(pids),
            }
        )
        stream.end()
