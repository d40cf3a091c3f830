"""Kernels that are programs of their own: a fork that puts cells to one and passes on what it answers.

A cell is a list of fields: the code, then names and values of the run's variables. An answer is one byte that says what it is, and a list of
fields: `R` the result and `D` what is displayed, as MIME types and contents; `E` name, value and traceback of an error; `O` and `S` text of stdout
and stderr; `.` the end of the cell, `!` its end and that of the program, which is to be started anew. A list is its length and its fields, a field its length and its bytes, lengths as u32 BE.
"""

import os
import signal
import struct
import subprocess

from .display_document import document
from .outlet import outlet

LENGTH = struct.Struct('>I')
TEXT_CHANNELS = {b'O': 1, b'S': 2}
BINARY = ('image/png', 'image/jpeg', 'application/pdf')


class Program:
    def __init__(self, argv: list, env: dict):
        cells, self.cells = os.pipe()
        answers, theirs = os.pipe()
        self.answers = os.fdopen(answers, 'rb')
        self.process = subprocess.Popen(
            [*argv, str(cells), str(theirs)], env=env, stdin=subprocess.DEVNULL, pass_fds=(cells, theirs)
        )
        os.close(cells)
        os.close(theirs)

    def put(self, fields: list):
        parts = [LENGTH.pack(len(fields))]
        for field in fields:
            data = field.encode('utf-8', 'replace')
            parts += [LENGTH.pack(len(data)), data]
        view = memoryview(b''.join(parts))
        try:
            while view:
                view = view[os.write(self.cells, view) :]
        except BrokenPipeError:
            self.follow()

    def answer(self):
        """(what it is, its fields)"""
        kind = self._read(1)
        count = LENGTH.unpack(self._read(4))[0]
        return kind, [self._read(LENGTH.unpack(self._read(4))[0]) for _ in range(count)]

    def follow(self):
        """Ends as the program has ended."""
        code = self.process.wait()
        if code < 0:
            signal.signal(-code, signal.SIG_DFL) if -code not in (signal.SIGKILL, signal.SIGSTOP) else None
            os.kill(os.getpid(), -code)
        os._exit(code)

    def _read(self, size: int) -> bytes:
        data = self.answers.read(size)
        if len(data) < size:
            self.follow()
        return data


def serve(argv: list, env: dict, confine):
    signal.signal(signal.SIGINT, lambda *_: None)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    confine()
    outlet.own()
    program, count = Program(argv, env), 0
    while True:
        request = outlet.request()
        count += 1
        outlet.event({'execution_count': count})
        if any('\0' in text for text in (request['code'], *request['envs'].values())):
            outlet.error('ValueError', 'a cell has no NUL characters', '')
        else:
            program.put([request['code'], *(text for pair in request['envs'].items() for text in pair)])
            if not _relay(program):
                program.process.wait()
                program = Program(argv, env)
        outlet.done()


def _relay(program: Program) -> bool:
    """Passes on what is answered to a cell; false where the program ends with it."""
    while True:
        kind, fields = program.answer()
        if kind in (b'.', b'!'):
            return kind == b'.'
        if kind in TEXT_CHANNELS:
            outlet.text(TEXT_CHANNELS[kind], fields[0])
        elif kind == b'E':
            outlet.error(*(field.decode('utf-8', 'replace') for field in fields))
        else:
            mimes = [field.decode() for field in fields[::2]]
            formats = {
                mime: content if mime in BINARY else content.decode('utf-8', 'replace')
                for mime, content in zip(mimes, fields[1::2])
            }
            outlet.result(document(formats, kind == b'R'))
