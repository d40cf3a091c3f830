"""A forked kernel's end of its channel to the supervisor."""

import json
import os
import sys

from .. import frames

CHANNEL_FD = 3
PIECE = 60_000
RESULT_LIMIT = 64 << 20
# Twice that much is in an error, and a character takes up to 12 bytes: together less than a frame holds.
TEXT_LIMIT = 40_000


class Outlet:
    def __init__(self):
        self.run_id = 0

    def request(self) -> dict:
        """The next request; ends the process when there is nobody left to make one."""
        header = self._read(8)
        self.run_id = int.from_bytes(header[:4], 'big')
        return json.loads(self._read(int.from_bytes(header[4:], 'big')))

    def send(self, kind: int, body: bytes):
        view = memoryview(frames.encode(self.run_id, kind, body))
        while view:
            view = view[os.write(CHANNEL_FD, view) :]

    def event(self, value):
        self.send(frames.EVENT, json.dumps(value).encode('ascii'))

    def error(self, name: str, value: str, traceback: str):
        texts = {'name': name[:1000], 'value': value[:TEXT_LIMIT], 'traceback': traceback[:TEXT_LIMIT]}
        self.event({'error': texts})

    def result(self, document: dict):
        text = json.dumps(document, allow_nan=False).encode('ascii')
        if len(text) > RESULT_LIMIT:
            print(f'A result of {len(text)} bytes is more than {RESULT_LIMIT} and was left out.', file=sys.stderr)
            return
        for start in range(0, len(text), PIECE):
            self.send(frames.DATA, b'\x04' + text[start : start + PIECE])
        self.event({'result': True})

    def done(self):
        self.send(frames.END, b'{}')

    def _read(self, size: int) -> bytes:
        parts = b''
        while len(parts) < size:
            chunk = os.read(CHANNEL_FD, size - len(parts))
            if not chunk:
                os._exit(0)
            parts += chunk
        return parts


outlet = Outlet()
