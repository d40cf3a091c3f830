"""A sandbox's supervisor: lives in all of its namespaces but the one of processes, where only its children go.

So it reads the files that code in the sandbox reads, with the same rights, and that code can neither see nor signal it.
"""

import json
import os
import signal
import sys

from . import environment, linux, namespaces, preload
from .connection import Connection
from .egress import Egress
from .environment import HOME
from .files import Files
from .freeze import Freezer
from .health import Health
from .holder import Holder, bound_inodes, seal_devices
from .kernels.contexts import Contexts
from .limits import Limits, own_folders, own_volumes
from .loop import Loop
from .memory import MemoryGuard
from .ports import Ports
from .processes import Processes
from .volume import Volume
from .watch import Watches


class Sandbox:
    """What the operations share."""

    def __init__(self, request: dict):
        self.name = request['name']
        self.limits = Limits.parse(request.get('limits') or {})
        # What it is to have of its own comes by `configure`: all that a zygote is told is in the memory of each later fork.
        self.own_envs = {}
        self.envs = {}
        self.folders = own_folders(request.get('folders'))
        self.volumes = own_volumes(request.get('volumes'))
        if not self.volumes:
            self.limits.volume_mb = 0
        self.cwd = request.get('cwd')
        # Of the nest, where this process has an entry, which it has not in the sandbox.
        self.fdinfo = os.open('/proc/self/fdinfo', os.O_RDONLY | os.O_DIRECTORY)
        self.loop = Loop()
        self.connection = None
        self.processes = Processes(self)
        self.contexts = Contexts(self)
        self.watches = Watches(self)
        self.memory = MemoryGuard(self)
        self.egress = Egress(self)
        self.health = Health(self.loop)

    def connect(self, socket_path: str, token: str):
        operations = {
            **self.processes.operations,
            **self.contexts.operations,
            **Files(self).operations,
            **self.watches.operations,
            **Freezer().operations,
            **Ports(self).operations,
            **self.egress.operations,
            **Volume(self).operations,
            'sandbox.configure': self.configure,
            'stats': self.memory.stats,
        }
        hello = {'role': 'sandbox', 'name': self.name, 'token': token}
        self.connection = Connection(self.loop, socket_path, hello, operations, end)

    def configure(self, stream, request):
        """Gives the sandbox its name and its variables; the latter also where it was started beforehand."""
        if 'id' in request:
            facts = {
                'E2B_SANDBOX': 'true',
                'E2B_SANDBOX_ID': request['id'],
                'E2B_TEAM_ID': 'local',
                'E2B_TEMPLATE_ID': request['template'],
            }
            environment.tell(facts)
            self.own_envs = {**self.own_envs, **facts}
        envs = environment.variables(request.get('envs'))
        self.envs = {**self.own_envs, **envs}
        if envs:
            self.contexts.forget_defaults()
        stream.end()

    def add_variables(self, own: dict):
        """Gives it variables of its own; a client's go before them. Interpreters that run already have them while they run code."""
        self.own_envs = {**self.own_envs, **own}
        self.contexts.add_variables({name: value for name, value in own.items() if name not in self.envs})
        self.envs = {**own, **self.envs}

    def on_exit(self, pid: int, callback):
        """Calls `callback(wait status)` once the child has ended; its pidfd, which is closed then."""
        pidfd = os.pidfd_open(pid)

        def ended(*_):
            self.loop.unwatch(pidfd)
            os.close(pidfd)
            callback(os.waitpid(pid, 0)[1])

        self.loop.watch(pidfd, ended)
        self.memory.arm()
        return pidfd


def end():
    """The holder dies with this process, and with it everything in the sandbox."""
    os._exit(0)


def run(socket_path: str, request: dict, seccomp_filter, report: int):
    """Sets the sandbox up, writes `{holderPid}` or `{error}` to `report`, and serves it for good."""
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        sandbox = Sandbox(request)
        sandbox.connect(socket_path, request.pop('token', ''))
        holder = Holder(sandbox.limits, sandbox.folders, sandbox.volumes)
        fonts = preload.font_cache()

        def furnish():
            bound_inodes(sandbox.limits, sandbox.folders)
            seal_devices()
            if request.get('internet'):
                sandbox.own_envs = sandbox.egress.open()

        namespaces.join(holder.pid, holder.pidfd, furnish)
        sandbox.memory.watch_sockets()
        sandbox.health.open()
        linux.drop_capabilities()
        # Both are cleared by a change of credentials. Its own files in the nest's /proc must be its own.
        linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
        linux.prctl(linux.PR_SET_DUMPABLE, 1)
        # Its children inherit the filter.
        seccomp_filter.apply()
        os.umask(0o022)
        os.chdir('/')
        _furnish_home(fonts)
        os.environ.clear()
        sandbox.loop.watch(holder.bwrap_pidfd, lambda *_: end())
        sandbox.connection.start()
        os.write(report, json.dumps({'holderPid': holder.pid}).encode())
    except BaseException as error:
        os.write(report, json.dumps({'error': f'{error}' or type(error).__name__}).encode())
        os._exit(1)
    os.close(report)
    try:
        sandbox.loop.run()
    except BaseException:
        sys.excepthook(*sys.exc_info())
    os._exit(1)


def _furnish_home(fonts):
    environment.furnish(HOME)
    if fonts:
        os.makedirs(f'{HOME}/.cache/matplotlib')
        with open(f'{HOME}/.cache/matplotlib/{fonts[0]}', 'wb') as file:
            file.write(fonts[1])
