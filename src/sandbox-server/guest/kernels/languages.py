"""What the kernel of a language is: a fork of the zygote, a program, or a fork that serves a program."""

import functools
import os
import shutil

from ..environment import PATH
from ..errors import OpError
from . import bash, program, python

LANGUAGES = ('python', 'javascript', 'typescript', 'deno', 'bash', 'java', 'r')
# Served by a fork, but in a program of their own.
PROGRAMS = ('java', 'r')
HERE = os.path.dirname(os.path.abspath(__file__))
# With room for workers.
NODE = '/opt/assay/guest/bin/node'
# The fork itself is the kernel: all that the zygote imported is there.
FORKS = {'python': python.serve, 'bash': bash.serve}


def server(language: str, env: dict, memory_mb: int):
    """`serve(env, confine)` for a fork; None for a language that is a program of its own.

    :raises OpError: the sandbox has not got the language
    """
    if language == 'java':
        return functools.partial(program.serve, _java(env, memory_mb))
    if language == 'r':
        return functools.partial(program.serve, _r(env))
    return FORKS.get(language)


def command(language: str) -> list:
    """The program that is the kernel of a language without a server."""
    return [NODE, '--no-warnings', f'{HERE}/javascript-kernel.mjs', language]


def _java(env: dict, memory_mb: int) -> list:
    jshell = _find('jshell', env, 'java', 'a JDK, whose jshell is in the PATH')
    return [
        os.path.join(os.path.dirname(os.path.realpath(jshell)), 'java'),
        # The rest is for what is not heap. Generations of one thread: a sandbox is small.
        f'-Xmx{memory_mb // 2}m',
        '-XX:+UseSerialGC',
        '-XX:TieredStopAtLevel=1',
        '-XX:ReservedCodeCacheSize=64m',
        '-XX:-UsePerfData',
        '-Dstdout.encoding=UTF-8',
        '--add-modules=jdk.jshell',
        f'{HERE}/JavaKernel.java',
    ]


def _r(env: dict) -> list:
    rscript = _find('Rscript', env, 'r', 'R, whose Rscript is in the PATH')
    return [rscript, '--no-save', '--no-restore', f'{HERE}/r-kernel.R']


def _find(name: str, env: dict, language: str, needs: str) -> str:
    path = shutil.which(name, path=env.get('PATH', PATH))
    if path is None:
        raise OpError('invalid_argument', f"the language '{language}' is not installed in this template: it needs {needs}")
    return path
