"""The content of a volume, for the helper that has it mounted at VOLUME and does nothing else.

Its names, links and modes are whatever some sandbox has made of them. The kernel resolves every path with the volume as its root, so that
neither `..` nor a link leads out of it, whatever changes meanwhile.
"""

import contextlib
import os
import re
import stat
import time
import uuid

from . import linux
from .errors import OpError
from .files import MAX_ENTRIES, receive_file, send_file
from .limits import MB

VOLUME = '/volume'
FILE_MODE, FOLDER_MODE = 0o666, 0o777
DEFAULT_OWNER = (1000, 1000)
# All files of a volume belong to the sandboxes' one user; the ids that a client asks for are kept beside it.
OWNER = 'user.assay.owner'
# A folder that something goes on filling is given up then.
REMOVE_TIMEOUT_S = 300
KINDS = {stat.S_IFREG: 'file', stat.S_IFDIR: 'directory', stat.S_IFLNK: 'symlink'}


def parts_of(path) -> list:
    """The names that a path is made of. @raises OpError where it leads out of the volume"""
    if not isinstance(path, str) or '\0' in path:
        raise OpError('invalid_argument', 'a path is a string without NUL characters')
    parts = []
    for part in path.split('/'):
        if part == '..':
            if not parts:
                raise OpError('invalid_argument', f"'{path}' leads out of the volume")
            parts.pop()
        elif part not in ('', '.'):
            parts.append(part)
    return parts


@contextlib.contextmanager
def working_in(folder: int):
    """For calls that take no descriptor of a folder, such as those on attributes."""
    os.fchdir(folder)
    try:
        yield
    finally:
        os.chdir('/')


class Volume:
    def __init__(self, sandbox):
        self.sandbox = sandbox
        self.operations = {
            'volume.stat': self.stat,
            'volume.list': self.list,
            'volume.mkdir': self.mkdir,
            'volume.read': self.read,
            'volume.write': self.write,
            'volume.update': self.update,
            'volume.remove': self.remove,
        }

    def _open(self, parts: list, flags: int, mode: int = 0) -> int:
        root = os.open(VOLUME, os.O_PATH | os.O_DIRECTORY)
        try:
            # Opening a FIFO or a terminal must have no effect; where only a path is wanted, it has none.
            more = os.O_CLOEXEC if flags & os.O_PATH else os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK
            return linux.open_in_root(root, '/'.join(parts) or '.', flags | more, mode)
        finally:
            os.close(root)

    @contextlib.contextmanager
    def _folder(self, parts: list):
        fd = self._open(parts, os.O_PATH | os.O_DIRECTORY)
        try:
            yield fd
        finally:
            os.close(fd)

    def _entry(self, folder: int, name: str, parts: list) -> dict:
        """A file as the server shows it; a link is shown itself."""
        info = os.stat(name, dir_fd=folder, follow_symlinks=False)
        uid, gid = self._owner(folder, name, info)
        described = {
            'name': parts[-1] if parts else '/',
            'path': '/' + '/'.join(parts),
            'type': KINDS.get(stat.S_IFMT(info.st_mode), 'unknown'),
            'size': info.st_size,
            'mode': stat.S_IMODE(info.st_mode),
            'uid': uid,
            'gid': gid,
            'atimeMs': info.st_atime_ns // 1_000_000,
            'mtimeMs': info.st_mtime_ns // 1_000_000,
            'ctimeMs': info.st_ctime_ns // 1_000_000,
        }
        if stat.S_ISLNK(info.st_mode):
            described['target'] = os.readlink(name, dir_fd=folder)
        return described

    def _owner(self, folder: int, name: str, info) -> tuple:
        """Untrusted: any program can set the attribute."""
        if not stat.S_ISREG(info.st_mode) and not stat.S_ISDIR(info.st_mode):
            return DEFAULT_OWNER
        try:
            with working_in(folder):
                kept = re.fullmatch(rb'(\d{1,10}):(\d{1,10})', os.getxattr(name, OWNER, follow_symlinks=False))
        except OSError:
            return DEFAULT_OWNER
        ids = tuple(map(int, kept.groups())) if kept else DEFAULT_OWNER
        return ids if max(ids) < 1 << 32 else DEFAULT_OWNER

    def _describe(self, stream, parts: list):
        with self._folder(parts[:-1]) as folder:
            stream.event({'entry': self._entry(folder, parts[-1] if parts else '.', parts)})
        stream.end()

    def _change(self, folder: int, name: str, request: dict):
        """Gives a file or folder the ids and the mode that are asked for."""
        info = os.stat(name, dir_fd=folder, follow_symlinks=False)
        mode, uid, gid = (None if request.get(key) is None else int(request[key]) for key in ('mode', 'uid', 'gid'))
        if any(number is not None and not 0 <= number < 1 << 32 for number in (mode, uid, gid)):
            raise OpError('invalid_argument', "'mode', 'uid' and 'gid' are numbers from 0 to 4294967295")
        if stat.S_ISLNK(info.st_mode):
            raise OpError('invalid_argument', 'a link has no mode and no owner of its own')
        old = self._owner(folder, name, info)
        with working_in(folder):
            if uid is not None or gid is not None:
                owner = f'{old[0] if uid is None else uid}:{old[1] if gid is None else gid}'
                # An attribute can be set only where the file can be written to.
                os.chmod(name, stat.S_IMODE(info.st_mode) | stat.S_IWUSR)
                os.setxattr(name, OWNER, owner.encode(), follow_symlinks=False)
            os.chmod(name, stat.S_IMODE(info.st_mode) if mode is None else mode & 0o7777)

    def stat(self, stream, request):
        self._describe(stream, parts_of(request['path']))

    def list(self, stream, request):
        stream.listing('entries', self._walk(parts_of(request['path']), int(request.get('depth') or 1)))
        stream.end()

    def _walk(self, top: list, depth: int):
        """What is in a folder, as far down as `depth` says. Without recursion: a tree may be as deep as a path is long."""
        total = 0
        pending = [(top, depth)]
        while pending:
            parts, left = pending.pop()
            try:
                folder = self._open(parts, os.O_RDONLY | os.O_DIRECTORY | (os.O_NOFOLLOW if parts != top else 0))
            except OSError:
                if parts == top:
                    raise
                continue
            try:
                names = sorted(os.listdir(folder))
                total += len(names)
                if total > MAX_ENTRIES:
                    raise OpError('failed_precondition', f'there are more than {MAX_ENTRIES} entries')
                for name in names:
                    try:
                        described = self._entry(folder, name, [*parts, name])
                    except FileNotFoundError:
                        continue
                    yield described
                    if left > 1 and described['type'] == 'directory':
                        pending.append(([*parts, name], left - 1))
            finally:
                os.close(folder)

    def mkdir(self, stream, request):
        parts = parts_of(request['path'])
        if not parts:
            raise OpError('already_exists', "'/' exists")
        self._make(parts, request)
        self._describe(stream, parts)

    def _make(self, parts: list, request: dict):
        """Makes a folder, with those above it where that is asked for; one that is there stays as it is then."""
        force = bool(request.get('force'))
        for end in range(1 if force else len(parts), len(parts) + 1):
            with self._folder(parts[: end - 1]) as folder:
                name = parts[end - 1]
                try:
                    os.mkdir(name, 0o700, dir_fd=folder)
                except FileExistsError:
                    if not force:
                        raise
                    os.close(self._open(parts[:end], os.O_PATH | os.O_DIRECTORY))
                else:
                    self._change(folder, name, {'mode': FOLDER_MODE, **_given(request)})

    def read(self, stream, request):
        parts = parts_of(request['path'])
        fd = self._open(parts, os.O_RDONLY)
        info = _expect_regular(fd, parts)
        stream.event({'size': info.st_size})
        send_file(stream, fd, info.st_size)

    def write(self, stream, request):
        parts = parts_of(request['path'])
        force = bool(request.get('force'))
        if not parts:
            raise OpError('invalid_argument', "'/' is a directory")
        if force and len(parts) > 1:
            self._make(parts[:-1], {'force': True})
        made = True
        try:
            fd = self._open(parts, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            if not force:
                raise
            made = False
            # Not truncated before it is known to be a file.
            fd = self._open(parts, os.O_WRONLY)
            _expect_regular(fd, parts)
            os.ftruncate(fd, 0)
        room = int(request['room'])

        def abandon():
            os.close(fd)
            if made:
                with self._folder(parts[:-1]) as folder, contextlib.suppress(OSError):
                    os.unlink(parts[-1], dir_fd=folder)

        def finish(_):
            os.fsync(fd)
            os.close(fd)
            wanted = {**({'mode': FILE_MODE} if made else {}), **_given(request)}
            with self._folder(parts[:-1]) as folder:
                if wanted:
                    self._change(folder, parts[-1], wanted)
            self._describe(stream, parts)

        receive_file(stream, fd, finish, abandon)
        write_on = stream.on_data

        def on_data(channel, payload):
            nonlocal room
            room -= len(payload)
            if room < 0:
                abandon()
                return stream.end(OpError('resource_exhausted', f'the volume is full: it holds at most {self.sandbox.limits.volume_mb} MiB'))
            write_on(channel, payload)

        stream.on_data = on_data

    def update(self, stream, request):
        parts = parts_of(request['path'])
        with self._folder(parts[:-1]) as folder:
            self._change(folder, parts[-1] if parts else '.', request)
        self._describe(stream, parts)

    def remove(self, stream, request):
        """Removes a file or a folder with all that is in it; of the volume's own folder what is in it."""
        parts = parts_of(request['path'])
        if parts:
            with self._folder(parts[:-1]) as folder:
                remove_tree(folder, parts[-1])
        else:
            with self._folder([]) as folder:
                os.chmod(VOLUME, 0o755)
                for name in _names(folder, '.'):
                    remove_tree(folder, name)
        stream.end()


def _given(request: dict) -> dict:
    return {key: request[key] for key in ('mode', 'uid', 'gid') if request.get(key) is not None}


def _expect_regular(fd: int, parts: list):
    info = os.fstat(fd)
    if stat.S_ISREG(info.st_mode):
        return info
    os.close(fd)
    what = 'a directory' if stat.S_ISDIR(info.st_mode) else 'not a regular file'
    raise OpError('invalid_argument', f"'/{'/'.join(parts)}' is {what}")


def _names(folder: int, name: str) -> list:
    fd = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        return os.listdir(fd)
    finally:
        os.close(fd)


def remove_tree(parent: int, name: str):
    """Without recursion and with few descriptors, however deep it is: what is two levels down moves one level up first."""
    for fd in _emptying(parent, name):
        for child in os.listdir(fd):
            for below in _emptying(fd, child):
                for grandchild in os.listdir(below):
                    if not _removed(below, grandchild):
                        os.close(_own_folder(below, grandchild))
                        os.rename(grandchild, f'.{uuid.uuid4()}', src_dir_fd=below, dst_dir_fd=fd)


def _emptying(parent: int, name: str):
    """Opens a folder again and again until it is gone, which it is once its user has emptied it."""
    until = time.monotonic() + REMOVE_TIMEOUT_S
    while not _removed(parent, name):
        fd = _own_folder(parent, name)
        try:
            yield fd
        finally:
            os.close(fd)
        if time.monotonic() > until:
            raise OpError('aborted', f"'{name}' is filled as fast as it is emptied")


def _removed(folder: int, name: str) -> bool:
    """True once it is gone: a file, or a folder with nothing in it. False for any other folder."""
    try:
        os.unlink(name, dir_fd=folder)
    except IsADirectoryError:
        try:
            os.rmdir(name, dir_fd=folder)
        except OSError:
            return False
    return True


def _own_folder(parent: int, name: str) -> int:
    """Opens a folder that is to be emptied, whatever its mode is."""
    with working_in(parent):
        if stat.S_ISDIR(os.lstat(name).st_mode):
            os.chmod(name, 0o700)
    return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
