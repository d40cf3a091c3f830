"""Files of the sandbox, read and written with the rights of the code in it."""

import json
import os
import shutil
import stat

from . import environment
from .errors import OpError

CHUNK = 65536
MAX_ENTRIES = 100_000
METADATA = 'user.e2b.metadata'
OWNERS = {0: 'root', 1000: 'user'}


def entry(path: str) -> dict:
    """A file as the server shows it. A link has the type of what it leads to, if that exists."""
    info = os.lstat(path)
    described = {
        'name': os.path.basename(path) or '/',
        'path': path,
        'size': info.st_size,
        'mode': stat.S_IMODE(info.st_mode),
        'permissions': stat.filemode(info.st_mode),
        'owner': OWNERS.get(info.st_uid, 'nobody'),
        'group': OWNERS.get(info.st_gid, 'nogroup'),
        'modifiedTimeMs': info.st_mtime_ns // 1_000_000,
    }
    if stat.S_ISLNK(info.st_mode):
        described['symlinkTarget'] = os.readlink(path)
        try:
            info = os.stat(path)
        except OSError:
            return {**described, 'type': 'symlink'}
    described['type'] = 'dir' if stat.S_ISDIR(info.st_mode) else 'file'
    metadata = read_metadata(path)
    return {**described, 'metadata': metadata} if metadata else described


def read_metadata(path: str) -> dict:
    """Untrusted: any program can set the attribute."""
    try:
        metadata = json.loads(os.getxattr(path, METADATA))
    except (OSError, ValueError, RecursionError):
        return {}
    return metadata if isinstance(metadata, dict) else {}


def write_metadata(fd: int, metadata):
    """As an extended attribute, which moves with the file; kernels before 6.6 have none on tmpfs and show no metadata."""
    try:
        if metadata:
            os.setxattr(fd, METADATA, json.dumps(metadata).encode())
        else:
            os.removexattr(fd, METADATA)
    except OSError:
        pass


def open_regular(path: str, flags: int) -> int:
    """Opens a regular file and nothing else: a FIFO or a device could hold the supervisor up."""
    fd = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY, 0o644)
    mode = os.fstat(fd).st_mode
    if stat.S_ISREG(mode):
        return fd
    os.close(fd)
    what = 'a directory' if stat.S_ISDIR(mode) else 'not a regular file'
    raise OpError('invalid_argument', f"'{path}' is {what}")


def send_file(stream, fd: int, length: int):
    """Sends up to `length` bytes from where the descriptor stands, ends the stream and closes it."""
    connection = stream.connection
    left = [length]
    reading = [False]

    def close():
        if left[0] >= 0:
            left[0] = -1
            os.close(fd)

    def pump():
        if reading[0]:
            return
        reading[0] = True
        try:
            while left[0] >= 0 and stream.credit > 0 and not connection.congested():
                chunk = os.read(fd, min(CHUNK, stream.credit, left[0])) if left[0] else b''
                if not chunk:
                    close()
                    return stream.end()
                left[0] -= len(chunk)
                stream.data(0, chunk)
            if left[0] >= 0 and connection.congested():
                connection.when_drained(pump)
        except OSError as error:
            close()
            stream.end(error)
        finally:
            reading[0] = False

    stream.on_credit, stream.on_cancel = pump, close
    pump()


def receive_file(stream, fd: int, finish, abandon):
    """Writes what arrives; calls `finish(bytes)` at its end, or `abandon()` where it is cut or cannot be written."""
    size = [0]

    def on_data(_, payload):
        try:
            view = memoryview(payload)
            while view:
                view = view[os.write(fd, view) :]
        except OSError as error:
            abandon()
            return stream.end(error)
        size[0] += len(payload)
        stream.consumed(len(payload))

    stream.on_data, stream.on_eof, stream.on_cancel = on_data, lambda: finish(size[0]), abandon


class Files:
    def __init__(self, sandbox):
        self.sandbox = sandbox
        self.operations = {
            'file.read': self.read,
            'file.write': self.write,
            'file.stat': self.stat,
            'file.list': self.list,
            'file.mkdir': self.mkdir,
            'file.move': self.move,
            'file.remove': self.remove,
        }

    def _path(self, request, key='path') -> str:
        return environment.resolve(request[key], environment.check_user(request.get('user')))

    def read(self, stream, request):
        path = self._path(request)
        fd = open_regular(path, os.O_RDONLY)
        info = os.fstat(fd)
        offset = int(request.get('offset') or 0)
        length = request.get('length')
        if offset:
            os.lseek(fd, offset, os.SEEK_SET)
        modified_ms = info.st_mtime_ns // 1_000_000
        stream.event({'size': info.st_size, 'type': 'file', 'path': path, 'modifiedTimeMs': modified_ms})
        send_file(stream, fd, 1 << 62 if length is None else int(length))

    def write(self, stream, request):
        path = self._path(request)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        existed = os.path.lexists(path)
        fd = open_regular(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)

        def abandon():
            os.close(fd)
            if not existed:
                os.unlink(path)

        def finish(size):
            if request.get('mode') is not None:
                os.fchmod(fd, int(request['mode']) & 0o7777)
            write_metadata(fd, request.get('metadata'))
            os.close(fd)
            stream.event({'name': os.path.basename(path), 'path': path, 'size': size})
            stream.end()

        receive_file(stream, fd, finish, abandon)

    def stat(self, stream, request):
        stream.event({'entry': entry(self._path(request))})
        stream.end()

    def list(self, stream, request):
        path = self._path(request)
        depth = int(request.get('depth') or 1)
        if not os.path.isdir(path):
            os.stat(path)
            raise OpError('invalid_argument', f"'{path}' is not a directory")
        stream.listing('entries', self._walk(path, depth))
        stream.end()

    def _walk(self, path: str, depth: int):
        """What is in a folder, as far down as `depth` says. Without recursion: a tree may be as deep as a path is long."""
        total = 0
        pending = [(path, depth)]
        while pending:
            folder, left = pending.pop()
            try:
                names = sorted(os.listdir(folder))
            except OSError:
                if folder == path:
                    raise
                continue
            for name in names:
                try:
                    described = entry(os.path.join(folder, name))
                except OSError:
                    continue
                yield described
                if left > 1 and described['type'] == 'dir' and 'symlinkTarget' not in described:
                    pending.append((described['path'], left - 1))
            total += len(names)
            if total > MAX_ENTRIES:
                raise OpError('resource_exhausted', f"'{path}' has more than {MAX_ENTRIES} entries")

    def mkdir(self, stream, request):
        path = self._path(request)
        if os.path.isdir(path):
            raise OpError('already_exists', f"'{path}' exists")
        if os.path.lexists(path):
            raise OpError('invalid_argument', f"'{path}' exists and is not a directory")
        os.makedirs(path)
        stream.event({'entry': entry(path)})
        stream.end()

    def move(self, stream, request):
        source, target = self._path(request, 'from'), self._path(request, 'to')
        os.lstat(source)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        try:
            os.rename(source, target)
        except OSError as error:
            if error.errno != 18:  # EXDEV: the home folder and /tmp are two file systems.
                raise
            # What cannot be taken away is not copied either: the folders of the kernel have no end.
            if not os.access(os.path.dirname(source), os.W_OK):
                raise OpError('permission_denied', f"'{source}' cannot be moved") from error
            shutil.move(source, target)
        stream.event({'entry': entry(target)})
        stream.end()

    def remove(self, stream, request):
        path = self._path(request)
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        elif os.path.lexists(path):
            os.unlink(path)
        stream.end()
