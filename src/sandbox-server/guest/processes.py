"""Commands and terminals in the sandbox."""

import fcntl
import os
import pty
import signal
import struct
import termios

from . import environment, frames
from .errors import OpError
from .pump import Pump, Writer, waiting_bytes
from .spawn import adopt, family, kill_inner, start_program

# How long a command that has ended may leave its pipes to children before its stream ends.
GRACE_S = 0.05
# A process is listed without its arguments and variables where they are longer than that.
MAX_DESCRIPTION = 256 << 10
MAX_TAG = 1024


class Process:
    def __init__(self, sandbox, request: dict, env: dict, cwd: str):
        self.sandbox = sandbox
        self.tag = request.get('tag')
        if len(self.tag or '') > MAX_TAG:
            raise OpError('invalid_argument', f'a tag has at most {MAX_TAG} characters')
        self.cmd, self.args = str(request['cmd']), [str(part) for part in request.get('args') or []]
        self.env, self.cwd = env, cwd
        self.own_envs = request.get('envs') or {}
        self.pid = None
        self.listeners = []
        self.pumps = {}
        self.writer = None
        self.terminal = None
        self.exit = None
        self.draining = False
        self.killed_for = None

    def describe(self):
        described = {'pid': self.pid, 'cmd': self.cmd, 'args': self.args, 'envs': self.own_envs, 'cwd': self.cwd}
        if len(frames.dumps(described)) > MAX_DESCRIPTION:
            described = {**described, 'cmd': self.cmd[:4096], 'args': [], 'envs': {}}
        return {**described, 'tag': self.tag} if self.tag else described

    # Output

    def listen(self, stream):
        self.listeners.append(stream)
        stream.on_credit = self._resume
        stream.on_cancel = lambda: self._leave(stream)

    def _leave(self, stream):
        self.listeners.remove(stream)
        self._resume()

    def _resume(self):
        if not self.draining:
            for pump in self.pumps.values():
                pump.resume()

    def _budget(self):
        return min((stream.credit for stream in self.listeners), default=1 << 20)

    def attach(self, channel: int, fd: int):
        def on_chunk(chunk):
            for stream in self.listeners:
                stream.data(channel, chunk)

        def on_eof():
            self.pumps.pop(channel, None)
            self._finish_if_drained()

        loop, connection = self.sandbox.loop, self.sandbox.connection
        self.pumps[channel] = Pump(loop, connection, fd, self._budget, on_chunk, on_eof)

    # End

    def exited(self, status: int):
        self.exit = exit_event(status, self.killed_for)
        if self.pumps:
            self.sandbox.loop.later(GRACE_S, self._grace_over)
        self._finish_if_drained()

    def _grace_over(self):
        """A child still holds the pipes: what they hold now is sent, what comes later is nobody's."""
        if self.exit is None:
            return
        self.draining = True
        owed = {channel: waiting_bytes(pump.fd) for channel, pump in self.pumps.items()}
        for pump in self.pumps.values():
            self.sandbox.loop.unwatch(pump.fd)

        def drain():
            for channel, pump in list(self.pumps.items()):
                owed[channel] -= pump.read_now(owed[channel])
            if self.exit is None:
                return
            if not self.listeners or not any(owed[channel] > 0 for channel in self.pumps):
                return self._finish()
            self.sandbox.loop.later(GRACE_S, drain)

        drain()

    def _finish_if_drained(self):
        if self.exit is not None and not self.pumps:
            self._finish()

    def _finish(self):
        listeners, self.listeners = self.listeners, []
        for stream in listeners:
            stream.event(self.exit)
            stream.end()
        self.exit = None
        if self.writer:
            self.writer.close()
        # Children that still write are read and forgotten, not stopped by SIGPIPE.
        self.draining = False
        self._resume()


def exit_event(status: int, killed_for=None) -> dict:
    """As Go's os/exec words it, which is what E2B's clients see."""
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        event = {'exitCode': code, 'status': f'exit status {code}'}
        if code:
            event['error'] = f'exit status {code}'
    else:
        name = (signal.strsignal(-code) or f'signal {-code}').lower()
        event = {'exitCode': -1, 'signal': -code, 'status': f'signal: {name}', 'error': f'signal: {name}'}
    if killed_for and code:
        event['error'] = f"{event['error']} ({killed_for})"
    return event


class Processes:
    def __init__(self, sandbox):
        self.sandbox = sandbox
        self.table = {}
        self.operations = {
            'process.start': self.start,
            'process.connect': self.connect,
            'process.list': self.list,
            'process.input': self.input,
            'process.closeStdin': self.close_stdin,
            'process.signal': self.signal,
            'process.resize': self.resize,
        }

    def find(self, request) -> Process:
        for process in self.table.values():
            if process.pid == request.get('pid') or (process.tag is not None and process.tag == request.get('tag')):
                return process
        raise OpError('not_found', f"there is no process {request.get('pid') or request.get('tag')}")

    def start(self, stream, request):
        user = environment.check_user(request.get('user'))
        cwd = environment.resolve(request.get('cwd') or self.sandbox.cwd or '~', user)
        if not os.path.isdir(cwd):
            raise OpError('invalid_argument', f"the working folder '{cwd}' does not exist")
        env = environment.variables(environment.base(user), self.sandbox.envs, request.get('envs'), {'PWD': cwd})
        process = Process(self.sandbox, request, env, cwd)
        if request.get('pty'):
            outputs, actions, ours = self._open_terminal(process, request['pty'])
        else:
            outputs, actions, ours = self._open_pipes(process, bool(request.get('stdin')))
        try:
            host_pid = start_program(self.sandbox, [process.cmd, *process.args], env, cwd, actions)
        except Exception:  # Such as a ValueError for an argument with a NUL.
            for fd in outputs.values():
                os.close(fd)
            if process.writer:
                process.writer.close()
            if process.terminal is not None:
                os.close(process.terminal)
            raise
        finally:
            for fd in ours:
                os.close(fd)

        def exited(status):
            self.table.pop(host_pid, None)
            if process.terminal is not None:
                os.close(process.terminal)
                process.terminal = None
            process.exited(status)

        process.pid = adopt(self.sandbox, self.sandbox.on_exit(host_pid, exited))
        self.table[host_pid] = process
        process.listen(stream)
        stream.on_data = lambda channel, payload: self._feed(process, stream, payload)
        stream.on_eof = lambda: self._close_writer(process)
        stream.event({'pid': process.pid})
        for channel, fd in outputs.items():
            process.attach(channel, fd)

    def _open_pipes(self, process, with_stdin: bool):
        """Outputs by channel, the file actions of the child, and what is to be closed here once it has started."""
        if with_stdin:
            stdin, writable = os.pipe()
            process.writer = Writer(self.sandbox.loop, writable)
        else:
            stdin = os.open('/dev/null', os.O_RDONLY)
        out, out_write = os.pipe()
        err, err_write = os.pipe()
        theirs = [stdin, out_write, err_write]
        return {1: out, 2: err}, [(os.POSIX_SPAWN_DUP2, fd, target) for target, fd in enumerate(theirs)], theirs

    def _open_terminal(self, process, size: dict):
        rows_and_columns = packed_size(size)
        process.terminal, slave = pty.openpty()
        fcntl.ioctl(process.terminal, termios.TIOCSWINSZ, rows_and_columns)
        process.writer = Writer(self.sandbox.loop, os.dup(process.terminal))
        process.env.setdefault('TERM', 'xterm-256color')
        # The leader of a new session gets the first terminal that it opens.
        opening = (os.POSIX_SPAWN_OPEN, 0, os.ttyname(slave), os.O_RDWR, 0)
        actions = [opening, (os.POSIX_SPAWN_DUP2, 0, 1), (os.POSIX_SPAWN_DUP2, 0, 2)]
        return {3: os.dup(process.terminal)}, actions, [slave]

    def _feed(self, process, stream, payload):
        if process.writer is None:
            raise OpError('failed_precondition', 'the process was started without an open stdin')

        def done(_):
            stream.consumed(len(payload))

        process.writer.write(payload, done)

    def _close_writer(self, process):
        if process.writer and process.terminal is None:
            process.writer.close()

    def connect(self, stream, request):
        process = self.find(request)
        stream.event({'pid': process.pid})
        process.listen(stream)
        stream.on_data = lambda channel, payload: self._feed(process, stream, payload)

    def list(self, stream, request):
        stream.listing('processes', (process.describe() for process in self.table.values()))
        stream.end()

    def input(self, stream, request):
        process = self.find(request)
        if process.writer is None:
            raise OpError('failed_precondition', 'the process was started without an open stdin')
        left = [1]
        failures = []

        def done_with(size):
            def done(error):
                stream.consumed(size)
                failures.extend([error] if error else [])
                left[0] -= 1
                if left[0] == 0:
                    stream.end(OpError('failed_precondition', 'the process no longer reads') if failures else None)

            return done

        def on_data(channel, payload):
            left[0] += 1
            process.writer.write(payload, done_with(len(payload)))

        stream.on_data = on_data
        stream.on_eof = lambda: done_with(0)(None)

    def close_stdin(self, stream, request):
        process = self.find(request)
        if process.terminal is not None:
            raise OpError('failed_precondition', 'the process has a terminal: send it Ctrl-D')
        self._close_writer(process)
        stream.end()

    def signal(self, stream, request):
        process = self.find(request)
        number = int(request['signal'])
        if number == signal.SIGKILL and request.get('group', True):
            kill_family(process.pid)
        elif request.get('group', True):
            host_pid = next(pid for pid, known in self.table.items() if known is process)
            os.killpg(host_pid, number)
        else:
            kill_inner(process.pid, number)
        stream.end()

    def resize(self, stream, request):
        process = self.find(request)
        if process.terminal is None:
            raise OpError('failed_precondition', 'the process has no terminal')
        fcntl.ioctl(process.terminal, termios.TIOCSWINSZ, packed_size(request))
        stream.end()


def kill_family(pid: int):
    """Kills a command with all that it started; twice, because it may fork meanwhile."""
    members = family(pid)
    for member in members:
        kill_inner(member, signal.SIGSTOP)
    for member in members | family(pid):
        kill_inner(member, signal.SIGKILL)


def packed_size(size: dict) -> bytes:
    return struct.pack('HHHH', int(size['rows']), int(size['cols']), 0, 0)
