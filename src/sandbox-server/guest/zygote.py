"""The zygote: imports the template's packages once; every sandbox's supervisor is a fork of it."""

import gc
import json
import os
import signal
import sys

from . import linux, nest
from .connection import Connection
from .errors import OpError
from .loop import Loop
from .seccomp import Filter

SOCKET = '/run/assay/guest.sock'
UNPRIVILEGED_UID = 64999


class Zygote:
    def __init__(self, template: str, token: str):
        self.loop = Loop()
        self.supervisors = {}
        operations = {'sandbox.spawn': self.spawn, 'sandbox.kill': self.kill}
        hello = {'role': 'zygote', 'template': template, 'token': token}
        self.connection = Connection(self.loop, SOCKET, hello, operations, self.quit)
        self.filter = Filter()

    def spawn(self, stream, request):
        sandbox_id = request['sandboxId']
        if sandbox_id in self.supervisors:
            raise OpError('already_exists', f'sandbox {sandbox_id} exists')
        report, report_write = os.pipe()
        pid = os.fork()
        if pid == 0:
            self._become_supervisor(request, report_write)
        os.close(report_write)
        pidfd = os.pidfd_open(pid)
        self.supervisors[sandbox_id] = pid
        said, reported = bytearray(), []

        def read_report(*_):
            chunk = os.read(report, 65536)
            said.extend(chunk)
            if chunk:
                return
            self.loop.unwatch(report)
            os.close(report)
            reported.append(True)
            answer = json.loads(said) if said else {'error': 'its supervisor was killed'}
            if 'error' not in answer:
                stream.event({'state': 'ready', **answer})
            else:
                stream.end(OpError('internal', f"the sandbox could not be set up: {answer['error']}"))

        def exited(*_):
            self.loop.unwatch(pidfd)
            os.close(pidfd)
            os.waitpid(pid, 0)
            del self.supervisors[sandbox_id]
            while not reported:
                read_report()
            stream.end()

        self.loop.watch(report, read_report)
        self.loop.watch(pidfd, exited)

    def kill(self, stream, request):
        pid = self.supervisors.get(request['sandboxId'])
        if pid is None:
            raise OpError('not_found', f"there is no sandbox {request['sandboxId']}")
        os.kill(pid, signal.SIGKILL)
        stream.end()

    def _become_supervisor(self, request: dict, report: int):
        from . import supervisor

        self.connection.socket.close()
        self.loop.epoll.close()
        os.closerange(3, report)
        os.closerange(report + 1, 65536)
        supervisor.run(SOCKET, request, self.filter, report)

    def quit(self):
        for pid in self.supervisors.values():
            os.kill(pid, signal.SIGKILL)
        os._exit(0)


def main():
    template, token = os.environ.get('ASSAY_TEMPLATE', 'default'), os.environ.pop('ASSAY_TOKEN', '')
    os.umask(0o022)
    nest.furnish()
    nest.drop_root(int(os.environ.get('ASSAY_UID', UNPRIVILEGED_UID)))
    linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
    linux.prctl(linux.PR_SET_DUMPABLE, 1)
    from . import preload, supervisor  # noqa: F401

    preload.run()
    zygote = Zygote(template, token)
    zygote.connection.start()
    gc.collect()
    linux.return_unused_memory()
    gc.freeze()
    try:
        zygote.loop.run()
    except KeyboardInterrupt:
        zygote.quit()
    sys.exit(0)
