"""Connections to servers that run in the sandbox: the supervisor lives in its network."""

import errno
import os
import socket

from .errors import OpError
from .pump import Pump, Writer

# A server that binds `localhost` may have either alone.
ADDRESSES = ((socket.AF_INET, '127.0.0.1'), (socket.AF_INET6, '::1'))
CONNECT_S = 5.0


class SocketWriter(Writer):
    """What is sent to a server; its end is told to it while the connection can still be read."""

    def _close(self):
        if not self.closed:
            end = socket.socket(fileno=self.fd)
            try:
                end.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            end.detach()
        super()._close()


class Ports:
    def __init__(self, sandbox):
        self.sandbox = sandbox
        self.operations = {'port.connect': self.connect}

    def connect(self, stream, request):
        port = int(request['port'])
        if not 0 < port < 65536:
            raise OpError('invalid_argument', f'{port} is no port')
        self._try(stream, port, list(ADDRESSES))

    def _try(self, stream, port: int, addresses: list):
        """Tries one address after the other; the loop goes on meanwhile, for a server may be slow to accept."""
        if not addresses:
            return stream.end(OpError('unavailable', f'nothing listens on port {port}'))
        (family, host), *others = addresses
        try:
            connection = socket.socket(family, socket.SOCK_STREAM)
        except OSError:
            return self._try(stream, port, others)
        connection.setblocking(False)
        loop = self.sandbox.loop

        def give_up():
            loop.unwatch(connection.fileno())
            loop.cancel(timer)
            connection.close()

        def decide(*_):
            failed = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if failed:
                give_up()
                return self._try(stream, port, others)
            loop.unwatch(connection.fileno())
            loop.cancel(timer)
            relay(self.sandbox, stream, connection.detach())

        def late():
            give_up()
            stream.end(OpError('unavailable', f'port {port} did not accept a connection within {CONNECT_S:g} s'))

        timer = loop.later(CONNECT_S, late)
        stream.on_cancel = give_up
        code = connection.connect_ex((host, port))
        if code not in (0, errno.EINPROGRESS):
            give_up()
            return self._try(stream, port, others)
        loop.watch(connection.fileno(), decide, read=False, write=True)


def relay(sandbox, stream, fd: int):
    """Passes a connection on to the server, both ways, at the pace of the slower side."""
    writer = SocketWriter(sandbox.loop, os.dup(fd))

    def over():
        writer.close()
        stream.end()

    pump = Pump(
        sandbox.loop,
        sandbox.connection,
        fd,
        lambda: stream.credit,
        lambda chunk: stream.data(0, chunk),
        over,
    )

    def leave():
        pump.close()
        writer.close()

    stream.on_data = lambda _, payload: writer.write(payload, lambda __: stream.consumed(len(payload)))
    stream.on_eof = writer.close
    stream.on_credit = pump.resume
    stream.on_cancel = leave
    stream.event({'connected': True})
