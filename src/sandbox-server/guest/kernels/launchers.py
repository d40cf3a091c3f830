"""How a forked child becomes the kernel of a language."""

import os

from . import bash, python

LANGUAGES = ('python', 'javascript', 'typescript', 'bash')
HERE = os.path.dirname(os.path.abspath(__file__))
NODE = '/opt/node/bin/node'


class ForkLauncher:
    """The fork itself is the kernel: all that the zygote imported is there."""

    keeps_memory = True

    def __init__(self, serve):
        self.become = serve


class ProgramLauncher:
    keeps_memory = False

    def __init__(self, argv: list):
        self.argv = argv

    def become(self, env: dict, confine):
        confine()
        os.execve(self.argv[0], self.argv, env)


def launcher(language: str):
    if language == 'python':
        return ForkLauncher(python.serve)
    if language == 'bash':
        return ForkLauncher(bash.serve)
    return ProgramLauncher([NODE, '--no-warnings', f'{HERE}/javascript-kernel.mjs', language])
