"""What every process of a sandbox is held to."""

import os
import resource
from dataclasses import dataclass

from . import linux

MB = 1 << 20


@dataclass
class Limits:
    memory_mb: int = 512
    processes: int = 256
    home_mb: int = 512
    tmp_mb: int = 512
    open_files: int = 1024

    @classmethod
    def parse(cls, value: dict):
        names = {
            'memoryMb': 'memory_mb',
            'processes': 'processes',
            'homeMb': 'home_mb',
            'tmpMb': 'tmp_mb',
            'openFiles': 'open_files',
        }
        known = {names[key]: int(value[key]) for key in names if value.get(key) is not None}
        if any(number <= 0 for number in known.values()):
            raise ValueError('a limit is not positive')
        return cls(**known)


def _lower(what: int, value: int):
    hard = resource.getrlimit(what)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(what, (value, value))


def confine(limits: Limits, seccomp_filter, keeps_memory: bool = False):
    """Applied by a forked child to itself, for good. One that does not exec keeps its memory, on top of its limit."""
    # RLIMIT_DATA, not RLIMIT_AS: Node and Go reserve far more address space than they use.
    _lower(resource.RLIMIT_DATA, limits.memory_mb * MB + (_data_bytes() if keeps_memory else 0))
    _lower(resource.RLIMIT_NPROC, limits.processes)
    _lower(resource.RLIMIT_NOFILE, limits.open_files)
    # Above what any disk of the sandbox has, so that a full one is what programs are told of.
    _lower(resource.RLIMIT_FSIZE, 2 * max(limits.home_mb, limits.tmp_mb) * MB)
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_MEMLOCK, 64 << 10)
    _lower(resource.RLIMIT_MSGQUEUE, 64 << 10)
    try:
        with open('/proc/self/oom_score_adj', 'w') as file:
            file.write('800')
    except OSError:
        pass
    linux.prctl(linux.PR_SET_DUMPABLE, 1)
    seccomp_filter.apply()


def _data_bytes() -> int:
    """What this process already counts against RLIMIT_DATA."""
    with open('/proc/self/statm') as file:
        return int(file.read().split()[5]) * os.sysconf('SC_PAGE_SIZE')
