"""A single-threaded event loop: readiness, timers, nothing else.

No threads, because supervisors and zygotes fork, and setns(CLONE_NEWUSER) refuses a threaded process.
"""

import heapq
import itertools
import select
import time


class Loop:
    def __init__(self):
        self.epoll = select.epoll()
        self.handlers = {}
        self.timers = []
        self.counter = itertools.count()
        self.running = True

    def watch(self, fd: int, handler, read=True, write=False):
        """Calls `handler(readable, writable)`; replaces an earlier watch of the same fd."""
        mask = (select.EPOLLIN if read else 0) | (select.EPOLLOUT if write else 0)
        known = self.handlers.get(fd)
        if known is None:
            self.epoll.register(fd, mask)
        elif known[1] != mask:
            self.epoll.modify(fd, mask)
        self.handlers[fd] = (handler, mask)

    def unwatch(self, fd: int):
        if self.handlers.pop(fd, None) is not None:
            try:
                self.epoll.unregister(fd)
            except OSError:
                pass

    def later(self, seconds: float, callback):
        """Runs `callback` once; the returned handle goes to `cancel`."""
        entry = [time.monotonic() + seconds, next(self.counter), callback]
        heapq.heappush(self.timers, entry)
        return entry

    def cancel(self, entry):
        if entry is not None:
            entry[2] = None

    def run(self):
        while self.running:
            ready = [(fd, mask, self.handlers.get(fd)) for fd, mask in self.epoll.poll(self._wait())]
            for fd, mask, known in ready:
                # Another handler may have closed this one since, and even opened something else under its number.
                if known is None or self.handlers.get(fd) is not known:
                    continue
                hangup = bool(mask & (select.EPOLLHUP | select.EPOLLERR))
                known[0](bool(mask & select.EPOLLIN) or hangup, bool(mask & select.EPOLLOUT) or hangup)
            self._run_timers()

    def _wait(self):
        while self.timers and self.timers[0][2] is None:
            heapq.heappop(self.timers)
        return max(0.0, self.timers[0][0] - time.monotonic()) if self.timers else None

    def _run_timers(self):
        now = time.monotonic()
        while self.timers and self.timers[0][0] <= now:
            callback = heapq.heappop(self.timers)[2]
            if callback is not None:
                callback()
