"""What the kernel of a language is: a fork of the zygote, or a program."""

import os

from . import bash, python

LANGUAGES = ('python', 'javascript', 'typescript', 'bash')
HERE = os.path.dirname(os.path.abspath(__file__))
NODE = '/opt/node/bin/node'


# The fork itself is the kernel: all that the zygote imported is there.
SERVERS = {'python': python.serve, 'bash': bash.serve}


def command(language: str) -> list:
    """The program that is the kernel of a language without a server."""
    return [NODE, '--no-warnings', f'{HERE}/javascript-kernel.mjs', language]
