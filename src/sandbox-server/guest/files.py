"""Files of the sandbox, read and written with the rights of the code in it."""

import contextlib
import errno
import os
import shutil
import stat

from . import environment
from .errors import OpError

CHUNK = 65536
MAX_ENTRIES = 100_000
# Each pair of a file's metadata is an extended attribute of its own, as on E2B, so that programs can read and set them.
METADATA = 'user.e2b.'
MAX_METADATA = 65536
OWNERS = {0: 'root', 1000: 'user'}
KINDS = {stat.S_IFREG: 'file', stat.S_IFDIR: 'dir'}
LETTERS = {
    stat.S_IFDIR: 'd',
    stat.S_IFLNK: 'L',
    stat.S_IFBLK: 'D',
    stat.S_IFCHR: 'Dc',
    stat.S_IFIFO: 'p',
    stat.S_IFSOCK: 'S',
}
SPECIAL_BITS = ((stat.S_ISUID, 'u'), (stat.S_ISGID, 'g'), (stat.S_ISVTX, 't'))


def entry(path: str) -> dict:
    """A file as the server shows it. A link has the type and the mode of what it leads to, if that exists."""
    info = os.lstat(path)
    described = {
        'name': os.path.basename(path) or '/',
        'path': path,
        'size': info.st_size,
        'mode': stat.S_IMODE(info.st_mode),
        'permissions': permissions(info.st_mode),
        'owner': OWNERS.get(info.st_uid, 'nobody'),
        'group': OWNERS.get(info.st_gid, 'nogroup'),
        'modifiedTimeMs': info.st_mtime_ns // 1_000_000,
    }
    if stat.S_ISLNK(info.st_mode):
        described['symlinkTarget'] = os.path.realpath(path)
        try:
            info = os.stat(path)
        except OSError:
            return {**described, 'type': 'symlink'}
        described['mode'] = stat.S_IMODE(info.st_mode)
    described['type'] = KINDS.get(stat.S_IFMT(info.st_mode), 'other')
    metadata = read_metadata(path)
    return {**described, 'metadata': metadata} if metadata else described


def permissions(mode: int) -> str:
    """As Go writes a mode, which is what E2B's clients see: `-rw-r--r--`, `drwxr-xr-x`, `dtrwxrwxrwx`, `Lrwxrwxrwx`."""
    letters = LETTERS.get(stat.S_IFMT(mode), '') + ''.join(letter for bit, letter in SPECIAL_BITS if mode & bit)
    return (letters or '-') + stat.filemode(mode & 0o777)[1:]


def read_metadata(file) -> dict:
    """Of a path or a descriptor. Untrusted: any program can set the attributes, of which no more is told than one may hold."""
    metadata, size = {}, 0
    try:
        for name in os.listxattr(file):
            if not name.startswith(METADATA):
                continue
            value = os.getxattr(file, name)
            size += len(name) + len(value)
            if size > MAX_METADATA:
                break
            metadata[name[len(METADATA) :]] = value.decode(errors='replace')
    except OSError:
        pass
    return metadata


def write_metadata(fd: int, metadata):
    """In place of what was there; kernels before 6.6 have no attributes on tmpfs and show no metadata."""
    metadata = metadata or {}
    try:
        for name in os.listxattr(fd):
            if name.startswith(METADATA) and name[len(METADATA) :] not in metadata:
                os.removexattr(fd, name)
        for name, value in metadata.items():
            os.setxattr(fd, METADATA + name, value.encode())
    except OSError as error:
        if error.errno != errno.EOPNOTSUPP:
            raise


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


def _children(folder: str, depth: int) -> list:
    """The paths in a folder, the first by name last, with the depth that each may be looked at in."""
    return [(os.path.join(folder, name), depth) for name in sorted(os.listdir(folder), reverse=True)]


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
        if not existed:
            os.fchmod(fd, 0o644)  # E2B's gives a new file its owner here, which who watches the folder is told of.

        def abandon():
            os.close(fd)
            if not existed:
                os.unlink(path)

        def finish(size):
            if request.get('mode') is not None:
                os.fchmod(fd, int(request['mode']) & 0o7777)
            try:
                write_metadata(fd, request.get('metadata'))
                metadata = read_metadata(fd)
            finally:
                os.close(fd)
            self.sandbox.watches.catch_up()
            stream.event({'name': os.path.basename(path), 'path': path, 'size': size, 'metadata': metadata})
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
        """What is in a folder, as far down as `depth` says, each folder before what is in it.

        Without recursion: a tree may be as deep as a path is long.
        """
        total = 0
        pending = _children(path, depth)
        while pending:
            found, left = pending.pop()
            try:
                described = entry(found)
            except OSError:
                continue
            yield described
            total += 1
            if left > 1 and described['type'] == 'dir' and 'symlinkTarget' not in described:
                with contextlib.suppress(OSError):
                    pending += _children(found, left - 1)
            if total + len(pending) > MAX_ENTRIES:
                raise OpError('resource_exhausted', f"'{path}' has more than {MAX_ENTRIES} entries")

    def mkdir(self, stream, request):
        path = self._path(request)
        if os.path.isdir(path):
            raise OpError('already_exists', f"'{path}' exists")
        if os.path.lexists(path):
            raise OpError('invalid_argument', f"'{path}' exists and is not a directory")
        os.makedirs(path)
        self.sandbox.watches.catch_up()
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
        self.sandbox.watches.catch_up()
        stream.event({'entry': entry(target)})
        stream.end()

    def remove(self, stream, request):
        path = self._path(request)
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        elif os.path.lexists(path):
            os.unlink(path)
        self.sandbox.watches.catch_up()
        stream.end()
