"""What the zygote adds to the nest before any sandbox exists; sandboxes see it read-only."""

import os
import socket
import subprocess
import sys

from . import environment, redirect
from .environment import HOME, SITE_PACKAGES, USER_SITE, VENV

# Of 1000; code in a sandbox has more.
OOM_SCORE = 500

FILES = {
    '/etc/passwd': f'root:x:0:0:root:/root:/bin/bash\nuser:x:1000:1000:user:{HOME}:/bin/bash\n'
    'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n',
    '/etc/group': 'root:x:0:\nuser:x:1000:\nnogroup:x:65534:\n',
    '/etc/hosts': '127.0.0.1 localhost sandbox\n::1 localhost\n',
    '/etc/hostname': 'sandbox\n',
    '/etc/nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n',
    # There in a sandbox with internet access, and nobody in one without.
    '/etc/resolv.conf': f'nameserver {redirect.LISTENERS[socket.AF_INET]}\n',
}


# Without the variable it may start with a library of the system, of another build, with which its modules do not load.
FINDS_ITS_LIBRARY = """
import sys
libraries = [line for line in open('/proc/self/maps') if '/libpython' in line]
sys.exit(any(sys.argv[1] not in line for line in libraries))
"""


def library_path() -> dict:
    """The variable without which the interpreter does not find its own library; nothing for most interpreters."""
    path = os.environ.get('LD_LIBRARY_PATH')
    if not path:
        return {}
    check = [sys.executable, '-I', '-S', '-c', FINDS_ITS_LIBRARY, f' {path}/']
    finds = subprocess.run(check, env={}, stderr=subprocess.DEVNULL).returncode == 0
    return {} if finds else {'LD_LIBRARY_PATH': path}


def furnish():
    """Writes /etc and /opt/venv: an environment whose `python3` finds the template's packages, whatever PYTHONPATH is."""
    environment.INTERPRETER.update(library_path())
    for path, text in FILES.items():
        _write(path, text)
    if not os.path.lexists('/etc/localtime'):
        os.symlink('/usr/share/zoneinfo/UTC', '/etc/localtime')
    executable = os.path.realpath(sys.executable)
    version = f'{sys.version_info[0]}.{sys.version_info[1]}'
    _write(f'{VENV}/pyvenv.cfg', f'home = {os.path.dirname(executable)}\ninclude-system-site-packages = false\n')
    _write(f'{VENV}/lib/python{version}/site-packages/assay.pth', f'{USER_SITE}\n{SITE_PACKAGES}\n')
    # Its own folder is read-only. Not by a variable, which environments that a sandbox makes would obey too.
    _write(f'{VENV}/pip.conf', f'[install]\nprefix = {HOME}/.local\n')
    os.makedirs(f'{VENV}/bin', mode=0o755, exist_ok=True)
    for name in ('python', 'python3', f'python{version}'):
        os.symlink(executable, f'{VENV}/bin/{name}')


def _write(path: str, text: str):
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    with open(path, 'w') as file:
        file.write(text)
    os.chmod(path, 0o644)


def drop_root(uid: int):
    """A server run as root gives the nest no user namespace of its own, so root ends here."""
    # Before all else of the host where memory runs out. What root has set here, nobody below can set lower.
    with open('/proc/self/oom_score_adj', 'w') as file:
        file.write(str(OOM_SCORE))
    if os.getuid() == 0:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
