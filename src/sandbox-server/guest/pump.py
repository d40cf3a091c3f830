"""Moves the output of a pipe to whoever listens, no faster than they read."""

import fcntl
import os
import termios

CHUNK = 65536
SMALL = 4096


def waiting_bytes(fd: int) -> int:
    """How much can be read from a pipe right now."""
    try:
        return int.from_bytes(fcntl.ioctl(fd, termios.FIONREAD, b'\0\0\0\0'), 'little')
    except OSError:
        return 0


class Pump:
    """Reads `fd` while `budget()` grants bytes; `resume` after a grant of 0. Closes `fd` at its end."""

    def __init__(self, loop, connection, fd: int, budget, on_chunk, on_eof, settle_s=0.0):
        """`settle_s`: how long little waits for more, as a line and its end may be written apart."""
        os.set_blocking(fd, False)
        self.settle_s = settle_s
        self.loop, self.connection, self.fd = loop, connection, fd
        self.budget, self.on_chunk, self.on_eof = budget, on_chunk, on_eof
        self.closed = False
        self.failure = None
        loop.watch(fd, self._readable)

    def resume(self):
        if not self.closed:
            self.loop.watch(self.fd, self._readable)

    def read_now(self, limit: int) -> int:
        """Reads up to `limit` bytes without waiting, as far as the budget goes; how many it were."""
        total = 0
        while total < limit and not self.closed:
            granted = min(self.budget(), limit - total, CHUNK)
            size = self._read(granted) if granted > 0 else 0
            if size == 0:
                break
            total += size
        return total

    def close(self):
        if not self.closed:
            self.closed = True
            self.loop.unwatch(self.fd)
            os.close(self.fd)

    def _readable(self, *_):
        if self.settle_s and waiting_bytes(self.fd) < SMALL:
            self.loop.unwatch(self.fd)
            self.loop.later(self.settle_s, self._settled)
        else:
            self._take()

    def _settled(self):
        if not self.closed:
            self.loop.watch(self.fd, self._readable)
            self._take()

    def _take(self):
        if self.connection.congested():
            self.loop.unwatch(self.fd)
            return self.connection.when_drained(self.resume)
        granted = min(self.budget(), CHUNK)
        if granted <= 0:
            return self.loop.unwatch(self.fd)
        self._read(granted)

    def _read(self, size: int) -> int:
        try:
            chunk = os.read(self.fd, size)
        except BlockingIOError:
            return 0
        except OSError as error:
            # EIO: the last program on a terminal has gone.
            chunk, self.failure = b'', error
        if not chunk:
            self.close()
            self.on_eof()
            return 0
        self.on_chunk(chunk)
        return len(chunk)


class Writer:
    """Writes what arrives to a pipe in order, giving credit back as the reader takes it."""

    def __init__(self, loop, fd: int):
        os.set_blocking(fd, False)
        self.loop, self.fd = loop, fd
        self.queue = []
        self.closing = False
        self.closed = False

    def write(self, payload: bytes, done):
        """`done(error)` once all of it is written, or the reader has gone."""
        if self.closed or self.closing:
            return done(BrokenPipeError(32, 'the input is closed'))
        self.queue.append([payload, done])
        self._flush()

    def close(self):
        """Closes after what is queued."""
        self.closing = True
        if not self.queue:
            self._close()

    def _close(self):
        if not self.closed:
            self.closed = True
            self.loop.unwatch(self.fd)
            os.close(self.fd)
            waiting, self.queue = self.queue, []
            for _, done in waiting:
                done(BrokenPipeError(32, 'the reader has gone'))

    def _flush(self, *_):
        while self.queue:
            payload, done = self.queue[0]
            try:
                sent = os.write(self.fd, payload) if payload else 0
            except BlockingIOError:
                return self.loop.watch(self.fd, self._flush, read=False, write=True)
            except OSError:
                return self._close()
            if sent < len(payload):
                self.queue[0][0] = payload[sent:]
                continue
            self.queue.pop(0)
            done(None)
        self.loop.unwatch(self.fd)
        if self.closing:
            self._close()
