"""The guest's end of a connection to the server: streams with credit over non-blocking frames."""

import json
import socket
import sys
import traceback
from collections import deque

from . import frames
from .errors import op_error

BACKLOG_BYTES = 4 << 20
LISTING_BYTES = 128 << 10


class Stream:
    """One operation in flight. An operation sets the `on_*` callbacks that it cares for."""

    def __init__(self, connection, stream_id: int):
        self.connection = connection
        self.id = stream_id
        self.credit = frames.INITIAL_CREDIT
        self.allowed = frames.INITIAL_CREDIT
        self.owed = 0
        self.ended = False
        self.on_data = None
        self.on_eof = None
        self.on_cancel = None
        self.on_credit = None

    def event(self, value):
        if not self.ended:
            self.connection.send(frames.encode_json(self.id, frames.EVENT, value))

    def listing(self, name: str, items):
        """`{name: [...]}` in as many events as it takes to keep each well below what a frame may hold; at least one."""
        pieces, size = [], 0

        def flush():
            body = b'{%s:[%s]}' % (frames.dumps(name), b','.join(pieces))
            self.connection.send(frames.encode(self.id, frames.EVENT, body))

        for item in items:
            piece = frames.dumps(item)
            if pieces and size + len(piece) > LISTING_BYTES:
                flush()
                pieces, size = [], 0
            pieces.append(piece)
            size += len(piece)
        flush()

    def data(self, channel: int, payload: bytes):
        """The caller sends no more than `credit` bytes."""
        if not self.ended and payload:
            self.credit -= len(payload)
            self.connection.send(frames.encode(self.id, frames.DATA, bytes((channel,)) + payload))

    def eof(self):
        """No more data comes; more may still be taken."""
        if not self.ended:
            self.connection.send(frames.encode(self.id, frames.EOF, b''))

    def end(self, error=None):
        if self.ended:
            return
        self.ended = True
        self.connection.streams.pop(self.id, None)
        body = {} if error is None else {'error': op_error(error).as_json()}
        self.connection.send(frames.encode_json(self.id, frames.END, body))

    def consumed(self, size: int):
        """Gives the server credit back for what an operation has dealt with."""
        self.owed += size
        if self.owed >= frames.INITIAL_CREDIT // 4 and not self.ended:
            self.connection.send(frames.encode(self.id, frames.WINDOW, self.owed.to_bytes(4, 'big')))
            self.allowed += self.owed
            self.owed = 0


class Connection:
    """Dispatches `OPEN {op}` to `operations[op](stream, request)` and calls `on_close` at the connection's end."""

    def __init__(self, loop, path: str, hello: dict, operations: dict, on_close):
        self.loop = loop
        self.operations = operations
        self.on_close = on_close
        self.streams = {}
        self.reader = frames.FrameReader()
        self.queue = deque()
        self.backlog = 0
        self.drained = []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(path)
        self.socket.sendall(frames.encode_json(0, frames.HELLO, hello))
        self.socket.setblocking(False)

    def start(self):
        self.loop.watch(self.socket.fileno(), self._ready)

    def congested(self) -> bool:
        return self.backlog > BACKLOG_BYTES

    def when_drained(self, callback):
        """Runs `callback` once the server has read most of what waits; at once if it has."""
        if self.congested():
            self.drained.append(callback)
        else:
            callback()

    def send(self, frame: bytes):
        if self.socket is None:
            return
        if not self.queue:
            try:
                sent = self.socket.send(frame)
            except BlockingIOError:
                sent = 0
            except OSError:
                return self.close()
            if sent == len(frame):
                return
            frame = frame[sent:]
        self.queue.append(frame)
        self.backlog += len(frame)
        self.loop.watch(self.socket.fileno(), self._ready, write=True)

    def close(self):
        if self.socket is None:
            return
        self.loop.unwatch(self.socket.fileno())
        self.socket.close()
        self.socket = None
        self.on_close()

    def _ready(self, readable, writable):
        if writable and self.queue:
            self._flush()
        if readable and self.socket is not None:
            try:
                chunk = self.socket.recv(262_144)
            except BlockingIOError:
                return
            except OSError:
                chunk = b''
            if not chunk:
                return self.close()
            try:
                for frame in self.reader.feed(chunk):
                    self._frame(*frame)
            except frames.FrameError as error:
                print(f'assay guest: {error}', file=sys.stderr)
                self.close()

    def _flush(self):
        try:
            while self.queue:
                frame = self.queue[0]
                sent = self.socket.send(frame)
                self.backlog -= sent
                if sent < len(frame):
                    self.queue[0] = frame[sent:]
                    break
                self.queue.popleft()
        except BlockingIOError:
            pass
        except OSError:
            return self.close()
        if not self.queue:
            self.loop.watch(self.socket.fileno(), self._ready)
        if self.drained and not self.congested():
            waiting, self.drained = self.drained, []
            for callback in waiting:
                callback()

    def _frame(self, stream_id: int, kind: int, body: bytes):
        if kind == frames.OPEN:
            return self._open(stream_id, body)
        stream = self.streams.get(stream_id)
        if stream is None:
            return  # The stream ended on this side while the frame was on its way.
        try:
            if kind == frames.DATA:
                stream.allowed -= len(body) - 1
                if not body or stream.allowed < 0 or stream.on_data is None:
                    raise frames.FrameError(f'unexpected DATA on stream {stream_id}')
                stream.on_data(body[0], body[1:])
            elif kind == frames.EOF:
                if stream.on_eof:
                    stream.on_eof()
            elif kind == frames.WINDOW:
                stream.credit += int.from_bytes(body, 'big')
                if stream.on_credit:
                    stream.on_credit()
            elif kind == frames.CANCEL:
                if stream.on_cancel:
                    stream.on_cancel()
                stream.end()
            else:
                raise frames.FrameError(f'frame of kind {kind}')
        except frames.FrameError:
            raise
        except Exception as error:
            self._failed(stream, error)

    def _open(self, stream_id: int, body: bytes):
        if stream_id in self.streams or stream_id == 0:
            raise frames.FrameError(f'stream {stream_id} is open')
        stream = Stream(self, stream_id)
        self.streams[stream_id] = stream
        try:
            request = json.loads(body)
            operation = self.operations.get(request['op'])
            if operation is None:
                return stream.end(ValueError(f"no operation {request['op']!r}"))
            operation(stream, request)
        except Exception as error:
            self._failed(stream, error)

    def _failed(self, stream, error):
        if op_error(error).code == 'internal':
            traceback.print_exception(type(error), error, error.__traceback__)
        stream.end(error)
