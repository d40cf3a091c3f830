"""Watching folders with inotify."""

import ctypes
import os
import struct

from . import environment
from .errors import OpError
from .linux import check, libc

IN_MODIFY, IN_ATTRIB, IN_MOVED_FROM, IN_MOVED_TO = 0x2, 0x4, 0x40, 0x80
IN_CREATE, IN_DELETE, IN_DELETE_SELF, IN_IGNORED, IN_ISDIR = 0x100, 0x200, 0x400, 0x8000, 0x4000_0000
IN_ONLYDIR, IN_DONT_FOLLOW, IN_NONBLOCK, IN_CLOEXEC = 0x0100_0000, 0x0200_0000, 0o4000, 0o2000000
MASK = IN_MODIFY | IN_ATTRIB | IN_MOVED_FROM | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_DELETE_SELF | IN_ONLYDIR
TYPES = (
    (IN_CREATE | IN_MOVED_TO, 'create'),
    (IN_MODIFY, 'write'),
    (IN_DELETE, 'remove'),
    (IN_MOVED_FROM, 'rename'),
    (IN_ATTRIB, 'chmod'),
)
HEADER = struct.Struct('iIII')
MAX_FOLDERS = 4096
# Of the instances that the sandbox may have (`namespaces.SETTINGS`), the rest is for its programs.
MAX_WATCHES = 24


class Watches:
    def __init__(self, sandbox):
        self.sandbox = sandbox
        self.open = set()
        self.operations = {'file.watch': self.watch}

    def watch(self, stream, request):
        path = environment.resolve(request['path'], environment.check_user(request.get('user')))
        if not os.path.isdir(path):
            os.stat(path)
            raise OpError('invalid_argument', f"'{path}' is not a directory")
        if len(self.open) >= MAX_WATCHES:
            raise OpError('resource_exhausted', f'{MAX_WATCHES} folders are being watched')
        Watch(self, stream, path, bool(request.get('recursive')))

    def catch_up(self):
        """Tells of all that has happened, so that who hears of a change from elsewhere finds its event there already."""
        for watch in list(self.open):
            watch.catch_up()


class Watch:
    def __init__(self, watches, stream, path: str, recursive: bool):
        self.watches, self.stream, self.root, self.recursive = watches, stream, path, recursive
        self.loop, self.connection = watches.sandbox.loop, watches.sandbox.connection
        self.folders = {}
        self.fd = check(libc.inotify_init1(IN_NONBLOCK | IN_CLOEXEC), 'inotify_init1')
        try:
            self._add(path, follow=True)
        except OSError:
            os.close(self.fd)
            raise
        if recursive:
            self._add_below(path, announce=False)
        watches.open.add(self)
        stream.on_cancel = self.close
        stream.on_data = self._asked
        self.resume()
        stream.event({'started': True})

    def resume(self):
        if self.fd is not None:
            self.loop.watch(self.fd, self._readable)

    def close(self):
        if self.fd is not None:
            self.loop.unwatch(self.fd)
            os.close(self.fd)
            self.fd = None
            self.watches.open.discard(self)

    def _asked(self, _, payload):
        """Any byte asks for the news until now, and for a word when that is told."""
        self.stream.consumed(len(payload))
        self.catch_up()
        self.stream.event({'caughtUp': True})

    def catch_up(self):
        while self.fd is not None and not self.connection.congested() and self._take():
            pass

    def _add(self, path: str, follow=False):
        mask = MASK if follow else MASK | IN_DONT_FOLLOW
        wd = check(libc.inotify_add_watch(self.fd, ctypes.c_char_p(os.fsencode(path)), ctypes.c_uint32(mask)), path)
        self.folders[wd] = path

    def _add_below(self, path: str, announce: bool):
        """Watches all folders under `path`; what they already hold came before the watch, and is announced if asked, as it would have been."""
        pending = [path]
        while pending and len(self.folders) < MAX_FOLDERS:
            folder = pending.pop()
            try:
                entries = list(os.scandir(folder))
            except OSError:
                continue
            for found in entries:
                if announce:
                    self._event(found.path, 'create')
                    if _has_content(found):
                        self._event(found.path, 'write')
                if found.is_dir(follow_symlinks=False):
                    try:
                        self._add(found.path)
                    except OSError:
                        continue
                    pending.append(found.path)

    def _event(self, path: str, kind: str):
        self.stream.event({'name': os.path.relpath(path, self.root), 'type': kind})

    def _readable(self, *_):
        if self.connection.congested():
            self.loop.unwatch(self.fd)
            return self.connection.when_drained(self.resume)
        self._take()

    def _take(self) -> bool:
        """Tells of what can be read at once; False where that is nothing."""
        try:
            buffer = os.read(self.fd, 65536)
        except BlockingIOError:
            return False
        offset = 0
        while offset < len(buffer) and self.fd is not None:
            wd, mask, _, length = HEADER.unpack_from(buffer, offset)
            name = os.fsdecode(buffer[offset + HEADER.size : offset + HEADER.size + length].rstrip(b'\0'))
            offset += HEADER.size + length
            self._handle(wd, mask, name)
        return True

    def _handle(self, wd: int, mask: int, name: str):
        folder = self.folders.get(wd)
        if folder is None:
            return
        if mask & IN_IGNORED:
            del self.folders[wd]
            if folder == self.root:
                self.close()
                self.stream.end(OpError('not_found', f"the watched folder '{self.root}' is gone"))
            return
        if not name:
            return  # The folder itself: its parent tells, or its end does.
        path = os.path.join(folder, name)
        for bits, kind in TYPES:
            if mask & bits:
                self._event(path, kind)
        if self.recursive and mask & IN_ISDIR and mask & (IN_CREATE | IN_MOVED_TO):
            try:
                self._add(path)
            except OSError:
                return
            self._add_below(path, announce=True)


def _has_content(found: os.DirEntry) -> bool:
    try:
        return found.is_file(follow_symlinks=False) and found.stat(follow_symlinks=False).st_size > 0
    except OSError:
        return False
