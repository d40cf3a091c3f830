"""How a forked child becomes the kernel of a language."""

import os

from . import python

LANGUAGES = ('python', 'javascript', 'typescript', 'bash')
HERE = os.path.dirname(os.path.abspath(__file__))


class PythonLauncher:
    """The fork itself is the kernel: all that the zygote imported is there."""

    keeps_memory = True

    def become(self, env: dict, confine):
        python.serve(env, confine)


class ProgramLauncher:
    keeps_memory = False

    def __init__(self, argv: list):
        self.argv = argv

    def become(self, env: dict, confine):
        confine()
        os.execve(self.argv[0], self.argv, env)


def launcher(language: str):
    if language == 'python':
        return PythonLauncher()
    if language == 'bash':
        return ProgramLauncher(['/bin/bash', '--noprofile', '--norc', f'{HERE}/bash-kernel.sh'])
    return ProgramLauncher(['/opt/node/bin/node', '--no-warnings', f'{HERE}/javascript-kernel.mjs', language])
