"""The supervisor's end of a kernel process: a channel for news, pipes for what it prints. All of it is untrusted."""

import codecs
import json
import os
import signal
import socket
from collections import deque

from .. import environment, frames
from ..processes import kill_family
from ..pump import Pump, Writer, waiting_bytes
from ..spawn import adopt, fork_into_sandbox, place, read_stat, start_program
from .languages import PROGRAMS, command, server

CHUNK = 65536
TEXT_CHANNELS = (1, 2)
RESULT_CHANNEL = 4
# By part of an error; together less than a frame holds, whatever characters they are.
ERROR_LIMITS = {'name': 1000, 'value': 40_000, 'traceback': 40_000}
# What a kernel can make the reading of its news end in.
BROKEN_NEWS = (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError, RecursionError)
CHANNEL_FD = 3
# `print` writes a line and its end apart, and other processes may run in between. The end of a cell waits for none of it; Jupyter waits 200 ms.
SETTLE_S = 0.05


class Kernel:
    """`on_death(how)` once the process has ended and all that it printed has been told."""

    def __init__(self, sandbox, language: str, cwd: str, on_death):
        self.sandbox, self.on_death = sandbox, on_death
        self.run, self.run_id, self.done = None, 0, None
        self.killed_for = None
        # Variables that came after its start, which it has while it runs code.
        self.late_envs = {}
        self.status = None
        self.pending = deque()
        self.reader = frames.FrameReader()
        self.decoders = {}
        self.pumps = {}
        self.serves_program = language in PROGRAMS
        self._launch(language, cwd)

    def _launch(self, language: str, cwd: str):
        env = environment.variables(environment.base(), self.sandbox.envs, {'PWD': cwd})
        serve = server(language, env, self.sandbox.limits.memory_mb)
        mine, theirs = socket.socketpair()
        out, out_write = os.pipe()
        err, err_write = os.pipe()
        null = os.open('/dev/null', os.O_RDONLY)
        fds = {0: null, 1: out_write, 2: err_write, CHANNEL_FD: theirs.fileno()}

        def body(confine):
            # Objects that own descriptors let go of them first: their numbers are about to be used anew.
            for owner in (mine, theirs, self.sandbox.connection.socket):
                owner.detach()
            self.sandbox.loop.epoll.close()
            place(fds)
            os.chdir(cwd)
            serve(env, confine)

        try:
            if serve:
                self.host_pid = fork_into_sandbox(self.sandbox, body)
            else:
                actions = [(os.POSIX_SPAWN_DUP2, fd, target) for target, fd in fds.items()]
                self.host_pid = start_program(self.sandbox, command(language), env, cwd, actions)
        except Exception:
            for fd in (out, err):
                os.close(fd)
            mine.close()
            raise
        finally:
            for fd in (null, out_write, err_write):
                os.close(fd)
            theirs.close()
        self.channel = mine.detach()
        os.set_blocking(self.channel, False)
        self.writer = Writer(self.sandbox.loop, os.dup(self.channel))
        self._open_pipe(1, out)
        self._open_pipe(2, err)
        self._watch_channel()
        self.pid = adopt(self.sandbox, self.sandbox.on_exit(self.host_pid, self._exited))

    def execute(self, run, done):
        self.run, self.done = run, done
        self.run_id += 1
        run.stream.on_credit = self._resume
        self.decoders = {channel: codecs.getincrementaldecoder('utf-8')('replace') for channel in (1, 2)}
        request = json.dumps({'code': run.code, 'envs': {**self.late_envs, **run.envs}, 'touch': run.touch}).encode('ascii')
        self.writer.write(self.run_id.to_bytes(4, 'big') + len(request).to_bytes(4, 'big') + request, lambda _: None)
        self.sandbox.memory.arm()

    def interrupt(self):
        try:
            os.killpg(self.host_pid, signal.SIGINT)
        except OSError:
            pass

    def kill(self):
        kill_family(self.pid)

    def is_of(self, pid: int) -> bool:
        """True of its own process, and of the program that it serves."""
        return pid == self.pid or (self.serves_program and (read_stat(pid) or [0])[0] == self.pid)

    def retire(self):
        """Kills it without a word to anybody."""
        self.run, self.done, self.on_death = None, None, lambda _: None
        self.kill()

    # What it says

    def _listener(self):
        return self.run.stream if self.run and not self.run.stream.ended else None

    def _open_pipe(self, channel: int, fd: int):
        def budget():
            stream = self._listener()
            return stream.credit // 4 if stream else CHUNK  # A broken byte turns into three.

        def on_chunk(chunk):
            stream = self._listener()
            if stream:
                stream.data(channel, self.decoders[channel].decode(chunk).encode())

        self.pumps[channel] = Pump(
            self.sandbox.loop, self.sandbox.connection, fd, budget, on_chunk, lambda: self.pumps.pop(channel, None), SETTLE_S
        )

    def _watch_channel(self):
        if self.channel is not None:
            self.sandbox.loop.watch(self.channel, self._channel_readable)

    def _resume(self):
        for pump in list(self.pumps.values()):
            pump.resume()
        self._handle_pending()

    def _channel_readable(self, *_):
        if self.sandbox.connection.congested():
            self.sandbox.loop.unwatch(self.channel)
            return self.sandbox.connection.when_drained(self._watch_channel)
        try:
            chunk = os.read(self.channel, CHUNK)
        except BlockingIOError:
            return
        except OSError:
            chunk = b''
        if not chunk:
            return self._close_channel('it closed its channel')
        try:
            for frame in self.reader.feed(chunk):
                # What it printed before a frame comes before it: so much is owed first.
                owed = {channel: waiting_bytes(pump.fd) for channel, pump in self.pumps.items()}
                self.pending.append((frame, owed))
        except frames.FrameError:
            return self._close_channel('it broke the protocol of its channel')
        self._handle_pending()

    def _close_channel(self, reason: str):
        if self.channel is not None:
            self.sandbox.loop.unwatch(self.channel)
            os.close(self.channel)
            self.channel = None
            self.writer.close()
            # It may be on its way out by itself: its own exit code says more.
            self.sandbox.loop.later(0.2, lambda: self._insist(reason))

    def _insist(self, reason: str):
        if self.status is None:
            self.killed_for = self.killed_for or reason
            self.kill()

    def _pay(self, owed: dict) -> bool:
        for channel in list(owed):
            pump = self.pumps.get(channel)
            if pump is None:
                del owed[channel]
                continue
            owed[channel] -= pump.read_now(owed[channel])
            if owed[channel] <= 0 or waiting_bytes(pump.fd) == 0:
                del owed[channel]
        return not owed

    def _handle_pending(self):
        while self.pending:
            (stream_id, kind, body), owed = self.pending[0]
            stream = self._listener()
            current = stream_id == self.run_id and self.run is not None
            blocked = not self._pay(owed) or (
                current and stream and kind == frames.DATA and stream.credit < _credit_for(body)
            )
            if blocked:
                if self.channel is not None:
                    self.sandbox.loop.unwatch(self.channel)
                return
            self.pending.popleft()
            if current:
                try:
                    self._relay(stream, kind, body)
                except BROKEN_NEWS:
                    self.pending.clear()
                    return self._close_channel('it broke the protocol of its channel')
        if self.status is not None:
            return self._ended()
        self._watch_channel()

    def _relay(self, stream, kind: int, body: bytes):
        if kind == frames.END:
            self._flush_text()
            if stream:
                stream.end()
            self.run, done, self.done = None, self.done, None
            done()
        elif kind == frames.DATA and body[0] == RESULT_CHANNEL:
            if stream:
                stream.data(RESULT_CHANNEL, body[1:])
        elif kind == frames.DATA and body[0] in TEXT_CHANNELS and len(body) <= CHUNK:
            if stream:
                stream.data(body[0], self.decoders[body[0]].decode(body[1:]).encode())
        elif kind == frames.EVENT:
            event = known_event(json.loads(body))
            if stream:
                self._flush_text()
                stream.event(event)
        else:
            raise ValueError('a kernel may not send this')

    def _flush_text(self):
        stream = self._listener()
        for channel, decoder in self.decoders.items():
            rest = decoder.decode(b'', final=True)
            if stream and rest:
                stream.data(channel, rest.encode())

    # Its end

    def _exited(self, status: int):
        self.status = status
        kill_family(self.pid)
        if self.channel is not None:
            self.sandbox.loop.unwatch(self.channel)
            self._read_rest()
        # Its last words, even where it has let go of its channel first.
        owed = {channel: waiting_bytes(pump.fd) for channel, pump in self.pumps.items()}
        self.pending.append(((0, frames.END, b''), owed))
        self._handle_pending()

    def _read_rest(self):
        try:
            while chunk := os.read(self.channel, CHUNK):
                for frame in self.reader.feed(chunk):
                    self.pending.append((frame, {}))
        except (OSError, frames.FrameError):
            pass

    def _ended(self):
        if self.on_death is None:
            return
        self._flush_text()
        self._close_channel('')
        for pump in list(self.pumps.values()):
            pump.close()
        on_death, self.on_death = self.on_death, None
        killed = os.WIFSIGNALED(self.status) and os.WTERMSIG(self.status) == signal.SIGKILL
        reason = self.killed_for or (self.sandbox.memory.reason_of_kill() if killed else None)
        on_death(describe_death(self.status, reason))


def _credit_for(body: bytes) -> int:
    size = len(body) - 1
    return size * 3 if body[:1] and body[0] in TEXT_CHANNELS else size  # A broken byte turns into three.


def known_event(event: dict) -> dict:
    """The parts of an event that a kernel may send, and nothing else."""
    if 'execution_count' in event:
        return {'execution_count': int(event['execution_count'])}
    if 'error' in event:
        error = event['error']
        return {'error': {key: str(error[key])[:limit] for key, limit in ERROR_LIMITS.items()}}
    if event.get('result') is True:
        return {'result': True}
    raise ValueError('an unknown event')


def describe_death(status: int, killed_for) -> str:
    code = os.waitstatus_to_exitcode(status)
    how = f'exit code {code}' if code >= 0 else f'signal {-code} ({signal.strsignal(-code)})'
    return f'{how}: {killed_for}' if killed_for else how
