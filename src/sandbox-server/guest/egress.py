"""The way out of a sandbox: connections to a proxy that the server is, made to an address of the sandbox's own loopback."""

import itertools
import socket

from .errors import OpError
from .ports import relay

# Apart from 127.0.0.1, so that no port there is taken.
ADDRESS = ('127.77.0.1', 3128)
URL = f'http://{ADDRESS[0]}:{ADDRESS[1]}'
MAX_WAITING = 256

# In both cases, for some programs read one and some the other.
VARIABLES = {
    **{name: URL for name in ('http_proxy', 'https_proxy', 'HTTP_PROXY', 'HTTPS_PROXY')},
    **{name: 'localhost,127.0.0.0/8,::1' for name in ('no_proxy', 'NO_PROXY')},
    'NODE_USE_ENV_PROXY': '1',
}


class Egress:
    def __init__(self, sandbox):
        self.sandbox = sandbox
        self.listener = None
        self.waiting = {}
        self.numbers = itertools.count(1)
        self.operations = {'egress.listen': self.listen, 'egress.attach': self.attach}

    def listen(self, stream, request):
        if self.listener is None:
            self.listener = socket.create_server(ADDRESS, backlog=128)
            self.listener.setblocking(False)

        def accept(*_):
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            if len(self.waiting) >= MAX_WAITING:
                return connection.close()
            number = next(self.numbers)
            self.waiting[number] = connection
            stream.event({'id': number})

        def leave():
            self.sandbox.loop.unwatch(self.listener.fileno())
            for connection in self.waiting.values():
                connection.close()
            self.waiting.clear()

        stream.on_cancel = leave
        self.sandbox.loop.watch(self.listener.fileno(), accept)

    def attach(self, stream, request):
        connection = self.waiting.pop(int(request['id']), None)
        if connection is None:
            raise OpError('not_found', 'there is no such connection')
        connection.setblocking(False)
        relay(self.sandbox, stream, connection.detach())
