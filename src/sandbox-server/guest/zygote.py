"""The zygote: imports the template's packages once; every sandbox's supervisor is a fork of it."""

import gc
import json
import os
import signal
import sys
from dataclasses import dataclass

from . import holder, linux, nest
from .connection import Connection
from .errors import OpError
from .limits import own_folder
from .loop import Loop
from .seccomp import Filter

SOCKET = '/run/assay/guest.sock'


@dataclass
class Supervisor:
    pid: int
    # Its namespaces are made, or were given up.
    settled: bool = False
    doomed: bool = False
    holder: int = 0


class Zygote:
    def __init__(self, template: str, token: str):
        self.loop = Loop()
        self.supervisors = {}
        operations = {
            'sandbox.spawn': self.spawn,
            'sandbox.kill': self.kill,
            'sandbox.setWritable': self.set_writable,
            'sandbox.addFolder': self.add_folder,
        }
        hello = {'role': 'zygote', 'template': template, 'token': token}
        self.connection = Connection(self.loop, SOCKET, hello, operations, self.quit)
        self.filter = Filter()

    def spawn(self, stream, request):
        name = request['name']
        if name in self.supervisors:
            raise OpError('already_exists', f'a sandbox of the name {name} exists')
        report, report_write = os.pipe()
        pid = os.fork()
        if pid == 0:
            self._become_supervisor(request, report_write)
        os.close(report_write)
        pidfd = os.pidfd_open(pid)
        supervisor = self.supervisors[name] = Supervisor(pid)
        said = bytearray()

        def read_report(*_):
            chunk = os.read(report, 65536)
            said.extend(chunk)
            if chunk:
                return
            self.loop.unwatch(report)
            os.close(report)
            supervisor.settled = True
            if supervisor.doomed:
                said.clear()
                os.kill(pid, signal.SIGKILL)
            answer = json.loads(said) if said else {'error': 'its supervisor was killed'}
            if 'error' not in answer:
                supervisor.holder = answer['holderPid']
                stream.event({'state': 'ready', **answer})
            else:
                stream.end(OpError('internal', f"the sandbox could not be set up: {answer['error']}"))

        def exited(*_):
            self.loop.unwatch(pidfd)
            while not supervisor.settled:
                read_report()
            os.close(pidfd)
            os.waitpid(pid, 0)
            del self.supervisors[name]
            stream.end()

        self.loop.watch(report, read_report)
        self.loop.watch(pidfd, exited)

    def kill(self, stream, request):
        supervisor = self.supervisors.get(request['name'])
        if supervisor is None:
            raise OpError('not_found', f"there is no sandbox of the name {request['name']}")
        # One killed while bubblewrap is at work would leave a first process behind that is half made and waits for ever.
        supervisor.doomed = True
        if supervisor.settled:
            os.kill(supervisor.pid, signal.SIGKILL)
        stream.end()

    def set_writable(self, stream, request):
        volume, writable = request['volume'], bool(request['writable'])
        self._change_mounts(stream, request, lambda pid: holder.set_writable(pid, volume, writable))

    def add_folder(self, stream, request):
        path, size_mb = own_folder(request['path']), int(request['sizeMb'])
        self._change_mounts(stream, request, lambda pid: holder.add_folder(pid, path, size_mb))

    def _change_mounts(self, stream, request, change):
        """Calls `change(pid of the holder)` in a fork, which may join the sandbox's namespaces."""
        supervisor = self.supervisors.get(request['name'])
        if supervisor is None or not supervisor.holder:
            raise OpError('not_found', f"there is no sandbox of the name {request['name']}")
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                change(supervisor.holder)
                code = 0
            except OSError as error:
                code = error.errno or 1
            finally:
                os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        stream.end(OSError(code, os.strerror(code)) if code else None)

    def _become_supervisor(self, request: dict, report: int):
        from . import supervisor

        self.connection.socket.close()
        self.loop.epoll.close()
        os.closerange(3, report)
        os.closerange(report + 1, 65536)
        supervisor.run(SOCKET, request, self.filter, report)

    def quit(self):
        for supervisor in self.supervisors.values():
            os.kill(supervisor.pid, signal.SIGKILL)
        os._exit(0)


def _read_token() -> str:
    """Comes by stdin, for what a process is started with stays readable in its forks. Nobody who comes later finds the pipe."""
    with open(0, closefd=False) as pipe:
        token = pipe.readline().strip()
    null = os.open('/dev/null', os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    return token


def main():
    template, token = os.environ.get('ASSAY_TEMPLATE', 'default'), _read_token()
    os.umask(0o022)
    nest.furnish()
    nest.drop_root(int(os.environ['ASSAY_UID']))
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
