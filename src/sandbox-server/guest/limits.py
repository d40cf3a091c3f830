"""What every process of a sandbox is held to."""

import os
import re
import resource
import shutil
from dataclasses import dataclass

MB = 1 << 20
# What V8 reserves for a few workers beside what it uses.
RESERVE_MB = 4096
PRLIMIT = shutil.which('prlimit') or '/usr/bin/prlimit'


VOLUME_ID = re.compile(r'[a-z0-9]{20}\Z')
FOLDER = re.compile(r'/[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}\Z')


def own_folders(value) -> list:
    """Folders right under / that a sandbox is to have beside the usual ones."""
    folders = list(dict.fromkeys(value or []))
    if len(folders) > 16:
        raise ValueError('more folders than a sandbox can have')
    return [path for path in map(own_folder, folders) if not os.path.lexists(path)]


def own_folder(path) -> str:
    """One more of them."""
    if not isinstance(path, str) or not FOLDER.match(path):
        raise ValueError('not a folder that a sandbox can have')
    return path


def own_volumes(value) -> list:
    """Volumes that a sandbox is to have, each at its place; the server has checked both."""
    volumes = list(value or [])
    if not all(VOLUME_ID.match(volume['id']) and volume['path'].startswith('/') for volume in volumes):
        raise ValueError('not volumes that a sandbox can have')
    return volumes


@dataclass
class Limits:
    memory_mb: int = 512
    processes: int = 256
    home_mb: int = 512
    tmp_mb: int = 512
    open_files: int = 1024
    # Of each volume; 0 for a sandbox that has none.
    volume_mb: int = 0

    @classmethod
    def parse(cls, value: dict):
        names = {
            'memoryMb': 'memory_mb',
            'processes': 'processes',
            'homeMb': 'home_mb',
            'tmpMb': 'tmp_mb',
            'openFiles': 'open_files',
            'volumeMb': 'volume_mb',
        }
        known = {names[key]: int(value[key]) for key in names if value.get(key) is not None}
        if any(number <= 0 for number in known.values()):
            raise ValueError('a limit is not positive')
        return cls(**known)


def resources(limits: Limits) -> dict:
    """Limits of one process, by the names that prlimit(1) has for them."""
    return {
        'nproc': limits.processes,
        'nofile': limits.open_files,
        # Above what any disk of the sandbox has, so that a full one is what programs are told of.
        'fsize': 2 * max(limits.home_mb, limits.tmp_mb, limits.volume_mb) * MB,
        'core': 0,
        'memlock': 64 << 10,
        'msgqueue': 64 << 10,
        # Timers count too.
        'sigpending': 4096,
    }


def prlimit_command(limits: Limits) -> list:
    """What a program is started through: it takes the limits on and becomes the program."""
    soft, hard = data_limits(limits)
    return [PRLIMIT, f'--data={soft}:{hard}', *(f'--{name}={value}:{value}' for name, value in resources(limits).items()), '--']


def confine_fork(limits: Limits):
    """Applied by a fork to itself, for good. It keeps the memory it has, on top of its limit."""
    own = _data_bytes()
    soft, hard = data_limits(limits)
    resource.setrlimit(resource.RLIMIT_DATA, (own + soft, own + hard))
    for name, value in resources(limits).items():
        what = getattr(resource, f'RLIMIT_{name.upper()}')
        resource.setrlimit(what, (value, value))


def data_limits(limits: Limits) -> tuple:
    """The soft limit is what lets a program end cleanly; one that reserves more than it uses may raise it, as `bin/node` does.

    Not of the address space, of which Node and Go reserve far more. What all of a sandbox use together `memory` bounds.
    """
    return limits.memory_mb * MB, (limits.memory_mb + RESERVE_MB) * MB


def _data_bytes() -> int:
    """What this process already counts against RLIMIT_DATA."""
    with open('/proc/self/statm') as file:
        return int(file.read().split()[5]) * os.sysconf('SC_PAGE_SIZE')
