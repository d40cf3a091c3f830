"""The Python kernel: an IPython shell that the zygote built, in a fork of its own."""

import gc
import os
import signal
import sys
import traceback

from ..environment import USER_SITE, VENV
from .outlet import CHANNEL_FD, outlet
from .streams import Streams

shell = None
failure = 'the template has no IPython'


def preload():
    """Builds the shell and lets it do one of each thing, so that no fork pays for what is loaded lazily."""
    global shell, failure
    try:
        from . import python_shell
    except ImportError as error:
        failure = f'the template cannot run Python cells: {error}'
        return
    shell = python_shell.build()


def serve(env: dict, confine):
    """Runs in the fork, for good: settles in, then one request after the other."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if shell is None:
        print(failure, file=sys.stderr)
        os._exit(1)
    from . import tasks

    _settle(env)
    streams = Streams()
    tasks.install()
    confine()
    outlet.own()
    while True:
        tasks.go_on_until_readable(CHANNEL_FD)
        request = outlet.request()
        if request.get('touch'):
            _touch()
        else:
            streams.mend()
            _execute(request['code'], request['envs'])
            streams.flush()
        outlet.done()


def _touch():
    """Does a little of what a first cell does, and leaves nothing: the pages that it writes to are then its own already."""
    cells = ['1 + 1']
    if 'pandas' in sys.modules:
        cells.append('__import__("pandas").DataFrame({"a": [1, 2]}).a.sum()')
    for cell in cells:
        shell.run_cell(cell, store_history=False, silent=True)


def _execute(code: str, envs: dict):
    before = {name: os.environ.get(name) for name in envs}
    os.environ.update(envs)
    outlet.event({'execution_count': shell.execution_count})
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        result = shell.run_cell(code, store_history=True)
        error = result.error_before_exec or result.error_in_exec
        # Some are only printed by IPython: groups of exceptions, magics used wrongly.
        if error is not None and not outlet.told_error:
            outlet.error(type(error).__name__, str(error), ''.join(traceback.format_exception(error)))
    except KeyboardInterrupt:
        outlet.error('KeyboardInterrupt', '', 'KeyboardInterrupt')
    except BaseException as error:
        outlet.error(type(error).__name__, str(error), f'{type(error).__name__}: {error}')
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _reseed():
    """Python's own `random` does so by itself after a fork, and OpenSSL's begins with its first use. tempfile tells a fork by its process id,
    which may be the zygote's own number again in the namespace of the sandbox."""
    tempfile, numpy_random = (sys.modules.get(name) for name in ('tempfile', 'numpy.random'))
    if tempfile is not None:
        tempfile._name_sequence = None
    if numpy_random is not None:
        numpy_random.seed()


def _settle(env: dict):
    """Turns a piece of the zygote into an interpreter of its own."""
    os.environ.clear()
    os.environ.update(env)
    sys.argv = ['']
    sys.executable = f'{VENV}/bin/python3'
    sys.prefix = sys.exec_prefix = VENV
    sys.path[:0] = ['', USER_SITE]
    sys.modules['__main__'] = shell.user_module
    sys.stdin = sys.__stdin__ = open(0)
    _reseed()
    spawn = sys.modules.get('multiprocessing.spawn')
    if spawn is not None:
        spawn.set_executable(sys.executable)
    gc.enable()
