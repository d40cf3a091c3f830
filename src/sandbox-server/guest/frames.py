"""The frame format of PROTOCOL.md: pure functions and a parser, no sockets."""

import json
import struct

HELLO, OPEN, EVENT, DATA, EOF, END, WINDOW, CANCEL = range(8)

MAX_BODY = 1 << 20
INITIAL_CREDIT = 262_144
HEADER = struct.Struct('>IIB')


class FrameError(Exception):
    """The peer broke the frame format; its connection ends."""


def encode(stream: int, kind: int, body: bytes = b'') -> bytes:
    return HEADER.pack(5 + len(body), stream, kind) + body


def dumps(value) -> bytes:
    # ASCII only, so that lone surrogates in file names and output survive as escapes.
    return json.dumps(value, separators=(',', ':')).encode('ascii')


def encode_json(stream: int, kind: int, value) -> bytes:
    return encode(stream, kind, dumps(value))


class FrameReader:
    """Cuts a byte stream into `(stream, kind, body)`."""

    def __init__(self, max_body: int = MAX_BODY):
        self.buffer = bytearray()
        self.max_body = max_body

    def feed(self, chunk: bytes):
        self.buffer += chunk
        offset = 0
        try:
            while len(self.buffer) - offset >= HEADER.size:
                length, stream, kind = HEADER.unpack_from(self.buffer, offset)
                if length < 5 or length > self.max_body + 5:
                    raise FrameError(f'frame of {length} bytes')
                if len(self.buffer) - offset - 4 < length:
                    break
                start = offset + HEADER.size
                offset += 4 + length
                yield stream, kind, bytes(self.buffer[start:offset])
        finally:
            del self.buffer[:offset]
