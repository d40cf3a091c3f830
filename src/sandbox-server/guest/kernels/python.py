"""The Python kernel: an IPython shell that the zygote built, in a fork of its own."""

import base64
import gc
import io
import json
import os
import signal
import sys

from .. import frames
from ..environment import USER_SITE, VENV

CHANNEL_FD = 3
PIECE = 60_000
RESULT_LIMIT = 64 << 20

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


class Outlet:
    """The kernel's side of its channel."""

    def __init__(self):
        self.run_id = 0

    def send(self, kind: int, body: bytes):
        view = memoryview(frames.encode(self.run_id, kind, body))
        while view:
            view = view[os.write(CHANNEL_FD, view) :]

    def event(self, value):
        self.send(frames.EVENT, json.dumps(value).encode('ascii'))

    def error(self, name: str, value: str, traceback: str):
        limit = 100_000
        self.event({'error': {'name': name[:1000], 'value': value[:limit], 'traceback': traceback[:limit]}})

    def result(self, document: dict):
        text = json.dumps(document, allow_nan=False).encode('ascii')
        if len(text) > RESULT_LIMIT:
            print(f'A result of {len(text)} bytes is more than {RESULT_LIMIT} and was left out.', file=sys.stderr)
            return
        for start in range(0, len(text), PIECE):
            self.send(frames.DATA, b'\x04' + text[start : start + PIECE])
        self.event({'result': True})


outlet = Outlet()


def _read(size: int) -> bytes:
    parts = b''
    while len(parts) < size:
        chunk = os.read(CHANNEL_FD, size - len(parts))
        if not chunk:
            os._exit(0)
        parts += chunk
    return parts


def serve(env: dict, confine):
    """Runs in the fork, for good: settles in, then one request after the other."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if shell is None:
        print(failure, file=sys.stderr)
        os._exit(1)
    _settle(env)
    confine()
    while True:
        header = _read(8)
        outlet.run_id = int.from_bytes(header[:4], 'big')
        request = json.loads(_read(int.from_bytes(header[4:], 'big')))
        _execute(request['code'], request['envs'])
        outlet.send(frames.END, b'{}')


def _execute(code: str, envs: dict):
    before = {name: os.environ.get(name) for name in envs}
    os.environ.update(envs)
    outlet.event({'execution_count': shell.execution_count})
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        shell.run_cell(code, store_history=True)
    except KeyboardInterrupt:
        outlet.error('KeyboardInterrupt', '', 'KeyboardInterrupt')
    except BaseException as error:
        outlet.error(type(error).__name__, str(error), f'{type(error).__name__}: {error}')
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            pass
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


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
    # Unbuffered: what a cell prints must not wait for its end, nor be lost with its process.
    for fd, name in ((1, 'stdout'), (2, 'stderr')):
        stream = open(fd, 'wb', buffering=0, closefd=False)
        text = io.TextIOWrapper(stream, encoding='utf-8', errors='backslashreplace', write_through=True)
        setattr(sys, name, text)
        setattr(sys, f'__{name}__', text)
    numpy_random = sys.modules.get('numpy.random')
    if numpy_random is not None:
        numpy_random.seed()
    spawn = sys.modules.get('multiprocessing.spawn')
    if spawn is not None:
        spawn.set_executable(sys.executable)
    gc.enable()


def document(formats: dict, is_main_result: bool) -> dict:
    """IPython's formats by MIME type, under the names that E2B's clients know."""
    formats = dict(formats)
    result = {'is_main_result': is_main_result}
    for name, mime in NAMES.items():
        if mime in formats:
            value = formats.pop(mime)
            result[name] = base64.b64encode(value).decode() if isinstance(value, bytes) else clean(value)
    text = result.get('text')
    if isinstance(text, str) and len(text) > 1 and text[0] == text[-1] == "'":
        result['text'] = text[1:-1]  # As E2B shows a string.
    extra = {mime: base64.b64encode(value).decode() if isinstance(value, bytes) else clean(value)
             for mime, value in formats.items()}  # fmt: skip
    if extra:
        result['extra'] = extra
    return result


NAMES = {
    'text': 'text/plain',
    'html': 'text/html',
    'markdown': 'text/markdown',
    'svg': 'image/svg+xml',
    'png': 'image/png',
    'jpeg': 'image/jpeg',
    'pdf': 'application/pdf',
    'latex': 'text/latex',
    'json': 'application/json',
    'javascript': 'application/javascript',
    'data': 'e2b/data',
    'chart': 'e2b/chart',
}


def clean(value, depth: int = 50):
    """The nearest thing that JSON can carry: no NaN, no numpy scalars, no dates."""
    if value is None or isinstance(value, (bool, str)):
        return value.value if hasattr(value, 'value') and not isinstance(value, bool) else value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if value - value == 0 else None
    if depth == 0:
        return str(value)
    if isinstance(value, dict):
        return {str(getattr(key, 'value', key)): clean(item, depth - 1) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [clean(item, depth - 1) for item in value]
    if hasattr(value, 'isoformat'):
        return value.isoformat() if value == value else None
    if hasattr(value, 'tolist'):
        return clean(value.tolist(), depth - 1)
    return str(value)
