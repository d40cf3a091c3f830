"""The way out of a sandbox: passes connections and questions for names to the server, which decides and does what is asked."""

import base64
import itertools
import os
import socket
import struct

from . import environment, redirect
from .errors import OpError
from .frames import INITIAL_CREDIT
from .pump import Pump
from .ports import SocketWriter

# Where the kernel has no redirection, programs are told of a proxy, which is apart from 127.0.0.1, so that no port there is taken.
PROXY = ('127.77.0.1', 3128)
MAX_CONNECTIONS = 256
MAX_QUESTIONS = 64
# Of all connections together, and of each: more than the steps in which the server gives credit back.
WINDOWS, MIN_WINDOW = 8 << 20, 80 << 10
# A question for a name of 255 bytes, with room for extensions.
QUESTION_BYTES = 512


def variables() -> dict:
    """In both cases, for some programs read one and some the other."""
    url = f'http://{PROXY[0]}:{PROXY[1]}'
    return {
        **{name: url for name in ('http_proxy', 'https_proxy', 'HTTP_PROXY', 'HTTPS_PROXY')},
        **{name: 'localhost,127.0.0.0/8,::1' for name in ('no_proxy', 'NO_PROXY')},
        'NODE_USE_ENV_PROXY': '1',
    }


def reset_on_close(fd: int):
    """Lets a program see its connection refused or cut, and not at an end."""
    connection = socket.socket(fileno=fd)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    connection.detach()


def reset(connection: socket.socket):
    reset_on_close(connection.fileno())
    connection.close()


class Egress:
    def __init__(self, sandbox):
        self.sandbox = sandbox
        self.listeners, self.name_sockets = [], []
        self.trouble = None
        self.waiting, self.questions = {}, {}
        self.open_count = 0
        self.numbers = itertools.count(1)
        self.operations = {
            'egress.listen': self.listen,
            'egress.attach': self.attach,
            'egress.refuse': self.refuse,
            'egress.answer': self.answer,
            'egress.trust': self.trust,
        }

    def open(self) -> dict:
        """Makes the way out while there are rights over the network; the variables that programs need to find it."""
        sockets = []
        try:
            sockets = redirect.open_sockets()
            redirect.redirect({each.family for each in sockets})
        except OSError as error:
            for each in sockets:
                each.close()
            self.trouble = str(error)
            proxy = socket.create_server(PROXY, backlog=redirect.BACKLOG)
            proxy.setblocking(False)
            sockets = [proxy]
        self.listeners = [each for each in sockets if each.type == socket.SOCK_STREAM]
        self.name_sockets = [each for each in sockets if each.type == socket.SOCK_DGRAM]
        return variables() if self.trouble else {}

    def listen(self, stream, request):
        loop = self.sandbox.loop
        if self.trouble:
            stream.event({'proxyOnly': self.trouble})

        def leave():
            for each in self.listeners + self.name_sockets:
                loop.unwatch(each.fileno())
            while self.waiting:
                self._drop(next(iter(self.waiting)))
            self.questions.clear()

        stream.on_cancel = leave
        for each in self.listeners:
            loop.watch(each.fileno(), lambda *_, listener=each: self._accept(stream, listener))
        self._watch_names(stream)

    def attach(self, stream, request):
        connection = self.waiting.pop(int(request['id']), None)
        if connection is None:
            raise OpError('not_found', 'there is no such connection')
        Relay(self.sandbox, stream, connection, self._window, self._forget)

    def refuse(self, stream, request):
        self._drop(int(request['id']))
        stream.end()

    def answer(self, stream, request):
        """To a question, from where it was sent to; without a packet it gets none."""
        question = self.questions.pop(int(request['id']), None)
        if question and request.get('packet'):
            names, peer, ancillary = question
            try:
                names.sendmsg([base64.b64decode(request['packet'])], ancillary, 0, peer)
            except OSError:
                pass  # Who asked has gone.
        if question and len(self.questions) == MAX_QUESTIONS - 1:
            self._watch_names(self.listening)
        stream.end()

    def trust(self, stream, request):
        """Lets programs that start from now on trust a further certificate, and what runs code already where that can be."""
        self.sandbox.add_variables(environment.trust(request['certificate']))
        stream.end()

    def _accept(self, stream, listener):
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        if self.open_count >= MAX_CONNECTIONS:
            return reset(connection)
        self.open_count += 1
        number = next(self.numbers)
        self.waiting[number] = connection
        address, port = connection.getsockname()[:2]
        stream.event({'id': number, **({} if self.trouble else {'address': address, 'port': port})})

    def _watch_names(self, stream):
        self.listening = stream
        for each in self.name_sockets:
            self.sandbox.loop.watch(each.fileno(), lambda *_, names=each: self._ask(stream, names))

    def _ask(self, stream, names):
        try:
            packet, ancillary, flags, peer = names.recvmsg(QUESTION_BYTES, 128)
        except OSError:
            return
        if flags & socket.MSG_TRUNC or not ancillary:
            return
        number = next(self.numbers)
        self.questions[number] = (names, peer, [_source(*ancillary[0])])
        stream.event({'question': number, 'packet': base64.b64encode(packet).decode()})
        # What comes meanwhile waits, as far as there is room for it.
        if len(self.questions) >= MAX_QUESTIONS:
            for each in self.name_sockets:
                self.sandbox.loop.unwatch(each.fileno())

    def _drop(self, number: int):
        connection = self.waiting.pop(number, None)
        if connection is not None:
            reset(connection)
            self._forget()

    def _forget(self):
        self.open_count -= 1

    def _window(self) -> int:
        """How much of a connection may be on its way: where the outside does not take it, it waits in the server's memory."""
        return min(INITIAL_CREDIT, max(MIN_WINDOW, WINDOWS // max(1, self.open_count)))


def _source(level: int, kind: int, data: bytes) -> tuple:
    """What says where to a datagram was sent, turned into what says where from one is."""
    if level == socket.SOL_IP:
        return level, kind, bytes(4) + data[8:12] + bytes(4)
    return level, kind, data[:16] + bytes(4)


class OutsideWriter(SocketWriter):
    """What the outside sends to a program."""

    def __init__(self, loop, fd: int, on_closed):
        super().__init__(loop, fd)
        self.on_closed = on_closed

    def drop(self):
        """Closes at once, without a word to the program."""
        if not self.closed:
            self.closed = True
            self.loop.unwatch(self.fd)
            os.close(self.fd)
            self.queue.clear()

    def _close(self):
        if not self.closed:
            super()._close()
            self.on_closed()


class Relay:
    """A program's connection to the outside. Each side may end before the other; where one is cut, so is the other."""

    def __init__(self, sandbox, stream, connection, window, on_over):
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.stream, self.on_over = stream, on_over
        self.is_over = False
        fd = connection.detach()
        self.writer = OutsideWriter(sandbox.loop, os.dup(fd), self._check)
        self.pump = Pump(
            sandbox.loop,
            sandbox.connection,
            fd,
            lambda: stream.credit - INITIAL_CREDIT + window(),
            lambda chunk: stream.data(0, chunk),
            self._read_all,
        )
        stream.on_data = self._write
        stream.on_eof = self.writer.close
        stream.on_credit = self.pump.resume
        stream.on_cancel = self._cancelled
        stream.event({'connected': True})

    def _write(self, _, payload: bytes):
        def written(error):
            if error:
                self._cut()
            else:
                self.stream.consumed(len(payload))

        self.writer.write(payload, written)

    def _read_all(self):
        if self.pump.failure:
            return self._cut()
        self.stream.eof()
        self._check()

    def _cancelled(self):
        # Where both sides have said all, what is left has only to be read.
        if not (self.pump.closed and self.writer.closing):
            self._cut()

    def _cut(self):
        for half in (self.pump, self.writer):
            if not half.closed:
                reset_on_close(half.fd)
        self.writer.drop()
        self.pump.close()
        self.stream.end(OpError('aborted', 'the connection is cut'))
        self._check()

    def _check(self):
        if self.pump.closed and self.writer.closed and not self.is_over:
            self.is_over = True
            self.stream.end()
            self.on_over()
