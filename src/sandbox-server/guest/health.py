"""The port of E2B's code interpreter as programs in the sandbox see it: `/health`, which ready commands of templates ask for."""

import socket

PORT = 49999
MAX_CLIENTS = 16
CLIENT_S = 5.0
MAX_REQUEST = 4096


def answer(status: str, body: str) -> bytes:
    head = f'HTTP/1.1 {status}\r\ncontent-type: text/plain\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n'
    return (head + body).encode()


HEALTHY = answer('200 OK', 'OK')
NOT_FOUND = answer('404 Not Found', 'there is /health alone inside of a sandbox')


class Health:
    def __init__(self, loop):
        self.loop = loop
        self.clients = 0

    def open(self):
        try:
            self.listener = socket.create_server(('127.0.0.1', PORT), backlog=MAX_CLIENTS)
        except OSError:
            return  # A sandbox does without it.
        self.listener.setblocking(False)
        self.loop.watch(self.listener.fileno(), self._accept)

    def _accept(self, *_):
        try:
            client, _ = self.listener.accept()
        except OSError:
            return
        if self.clients == MAX_CLIENTS:
            return client.close()
        client.setblocking(False)
        self.clients += 1

        def close():
            self.loop.unwatch(client.fileno())
            self.loop.cancel(timer)
            client.close()
            self.clients -= 1

        def read(*_):
            try:
                asked = client.recv(MAX_REQUEST).split(b' ')[1:2]
                client.send(HEALTHY if asked == [b'/health'] else NOT_FOUND)
            except OSError:
                pass
            close()

        timer = self.loop.later(CLIENT_S, close)
        self.loop.watch(client.fileno(), read)
