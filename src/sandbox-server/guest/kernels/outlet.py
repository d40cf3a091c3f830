"""A forked kernel's end of its channel to the supervisor."""

import os
import sys
import time
from json import dumps, loads
from os import getpid, read, write  # By name: a cell may put anything into the modules.

from .. import frames

CHANNEL_FD = 3
PIECE = 60_000
RESULT_LIMIT = 64 << 20
# Twice that much is in an error, and a character takes up to 12 bytes: together less than a frame holds.
TEXT_LIMIT = 40_000


class Outlet:
    def __init__(self):
        self.run_id = 0
        self.told_error = False
        self.owner = getpid()

    def own(self):
        """Makes this process the kernel. A fork that a cell leaves behind is none: it says nothing and ends with the cell."""
        self.owner = getpid()

    def request(self) -> dict:
        """The next request; ends the process when there is nobody left to make one."""
        if getpid() != self.owner:
            os._exit(0)
        header = self._read(8)
        self.told_error = False
        self.run_id = int.from_bytes(header[:4], 'big')
        return loads(self._read(int.from_bytes(header[4:], 'big')))

    def send(self, kind: int, body: bytes):
        if getpid() != self.owner:
            return
        view = memoryview(frames.encode(self.run_id, kind, body))
        try:
            while view:
                view = view[write(CHANNEL_FD, view) :]
        except OSError:
            _cut_off()

    def event(self, value):
        self.send(frames.EVENT, dumps(value).encode('ascii'))

    def error(self, name: str, value: str, traceback: str):
        texts = {'name': name[:1000], 'value': value[:TEXT_LIMIT], 'traceback': traceback[:TEXT_LIMIT]}
        self.told_error = True
        self.event({'error': texts})

    def result(self, document: dict):
        text = dumps(document, allow_nan=False).encode('ascii')
        if len(text) > RESULT_LIMIT:
            print(f'A result of {len(text)} bytes is more than {RESULT_LIMIT} and was left out.', file=sys.stderr)
            return
        for start in range(0, len(text), PIECE):
            self.send(frames.DATA, b'\x04' + text[start : start + PIECE])
        self.event({'result': True})

    def text(self, channel: int, data: bytes):
        """What a kernel prints otherwise than to its descriptors."""
        for start in range(0, len(data), PIECE):
            self.send(frames.DATA, bytes([channel]) + data[start : start + PIECE])

    def done(self):
        self.send(frames.END, b'{}')

    def _read(self, size: int) -> bytes:
        parts = b''
        while len(parts) < size:
            try:
                chunk = read(CHANNEL_FD, size - len(parts))
            except OSError:
                _cut_off()
            if not chunk:
                os._exit(0)
            parts += chunk
        return parts


def _cut_off():
    """A cell has closed the channel: the supervisor sees it, says so and ends this process."""
    time.sleep(1)
    os._exit(1)


outlet = Outlet()
