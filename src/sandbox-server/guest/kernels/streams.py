"""stdout and stderr of the Python kernel, which a cell may close, replace by nothing, or take the descriptors of."""

import fcntl
import io
import os
import sys

FIRST_SPARE = 500


class Streams:
    def __init__(self):
        # Unbuffered: what a cell prints must not wait for its end, nor be lost with its process.
        self.spares = {fd: fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, FIRST_SPARE) for fd in (1, 2)}
        for name, fd in (('stdout', 1), ('stderr', 2)):
            _open(name, fd)

    def mend(self):
        """Gives the next cell what it needs to print; what a cell has redirected stays so."""
        for name, fd in (('stdout', 1), ('stderr', 2)):
            try:
                fcntl.fcntl(fd, fcntl.F_GETFD)
            except OSError:
                os.dup2(self.spares[fd], fd)
            stream = getattr(sys, name, None)
            if stream is None or getattr(stream, 'closed', False):
                _open(name, fd)

    def flush(self):
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except Exception:
                pass  # The cell may have put anything there.


def _open(name: str, fd: int):
    raw = open(fd, 'wb', buffering=0, closefd=False)
    text = io.TextIOWrapper(raw, encoding='utf-8', errors='backslashreplace', write_through=True)
    setattr(sys, name, text)
    setattr(sys, f'__{name}__', text)
