"""The Bash kernel: a fork that feeds cells to one Bash and tells how they ended."""

import os
import re
import shlex
import signal
import subprocess

from .outlet import outlet

# Cells come NUL-terminated on one pipe, each one's exit status goes out on another; the cell itself has neither.
LOOP = (
    'while IFS= read -r -d "" -u {cells} __cell; '
    'do eval "$__cell" {cells}<&- {statuses}>&-; printf "%s\\n" "$?" >&{statuses}; done'
)
NAME = re.compile(r'[A-Za-z_][A-Za-z0-9_]*\Z')


class Shell:
    def __init__(self, env: dict):
        cells, self.cells = os.pipe()
        self.statuses, statuses = os.pipe()
        self.process = subprocess.Popen(
            ['/bin/bash', '--noprofile', '--norc', '-c', LOOP.format(cells=cells, statuses=statuses), 'bash'],
            env=env,
            stdin=subprocess.DEVNULL,
            pass_fds=(cells, statuses),
        )
        os.close(cells)
        os.close(statuses)

    def run(self, cell: str):
        """The exit status of the cell; None where the shell ended in it."""
        try:
            view = memoryview(cell.encode('utf-8', 'surrogateescape') + b'\0')
            while view:
                view = view[os.write(self.cells, view) :]
        except BrokenPipeError:
            return None
        said = b''
        while not said.endswith(b'\n'):
            chunk = os.read(self.statuses, 64)
            if not chunk:
                return None
            said += chunk
        return int(said.split()[-1])

    def end(self) -> int:
        """Reaps a shell that has ended; its exit code, negative for a signal."""
        os.close(self.cells)
        os.close(self.statuses)
        return self.process.wait()


def serve(env: dict, confine):
    # A handler that does nothing, unlike SIG_IGN, is not passed on to Bash.
    signal.signal(signal.SIGINT, lambda *_: None)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    confine()
    outlet.own()
    shell, count = Shell(env), 0
    while True:
        request = outlet.request()
        count += 1
        outlet.event({'execution_count': count})
        if not _execute(shell, request['code'], request['envs']):
            shell = Shell(env)
        outlet.done()


def _execute(shell: Shell, code: str, envs: dict) -> bool:
    """False where the shell has ended and the next cell needs a new one."""
    if '\0' in code or not all(map(NAME.match, envs)):
        outlet.error('ValueError', 'a cell has no NUL characters, and names of variables are identifiers', '')
        return True
    if envs:
        shell.run('\n'.join(_set(name, value) for name, value in envs.items()))
    status = shell.run(code)
    if status is None:
        code = shell.end()
        if code == -signal.SIGINT:
            outlet.error('KeyboardInterrupt', '', 'KeyboardInterrupt')
        else:
            how = f'exit status {code}' if code >= 0 else f'signal {-code}'
            # Also for `exit 0`: what would have come after it did not run.
            outlet.error('Exit', str(code), f'the shell ended: {how}')
        return False
    if envs:
        shell.run('\n'.join(_restore(name) for name in envs))
    if status != 0:
        outlet.error('ExitError', f'exit status {status}', f'exit status {status}')
    return True


def _set(name: str, value: str) -> str:
    return (
        f'if [ "${{{name}+x}}" ]; then __was_{name}=${name}; else unset __was_{name}; fi\n'
        f'export {name}={shlex.quote(value)}'
    )


def _restore(name: str) -> str:
    return f'if [ "${{__was_{name}+x}}" ]; then {name}=$__was_{name}; unset __was_{name}; else unset {name}; fi'
