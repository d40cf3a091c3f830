"""Holding a sandbox still: every process of it is stopped, and goes on later where it was."""

import signal

from .errors import OpError
from .spawn import kill_inner, proc_pids, read_stat

# Each round stops what the one before was too late for: with no process left to fork, one more finds nothing.
MAX_ROUNDS = 100


class Freezer:
    def __init__(self):
        self.stopped = set()
        self.operations = {'sandbox.freeze': self.freeze, 'sandbox.thaw': self.thaw}

    def freeze(self, stream, request):
        for _ in range(MAX_ROUNDS):
            fresh = [pid for pid in proc_pids() if pid not in self.stopped and runs(pid)]
            if not fresh:
                return stream.end()
            for pid in fresh:
                kill_inner(pid, signal.SIGSTOP)
            self.stopped.update(fresh)
        self._go_on()
        raise OpError('resource_exhausted', 'the sandbox starts processes faster than they can be stopped')

    def thaw(self, stream, request):
        self._go_on()
        stream.end()

    def _go_on(self):
        # Children first: a shell that finds its child still stopped would take it for one that its user has stopped.
        for pid in sorted(self.stopped, reverse=True):
            kill_inner(pid, signal.SIGCONT)
        self.stopped.clear()


def runs(pid: int) -> bool:
    """Whether there is anything to stop: what the sandbox has stopped itself stays so."""
    stat = read_stat(pid)
    return stat is not None and stat[3] not in 'TtZX'
