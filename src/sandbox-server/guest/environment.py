"""Users, folders and variables inside a sandbox."""

import os
import sys

from .errors import OpError

HOME = '/home/user'
VENV = '/opt/venv'
# Both are the sandbox's one user; root has a home, and programs that say its name, of its own.
HOMES = {'user': HOME, 'root': '/root'}
ROOT_PROGRAMS = '/opt/assay/guest/root-bin'
FACTS = '/dev/shm/.e2b'
TOLD = '/run/e2b'
NODE_MODULES = '/opt/assay/node_modules'
SITE_PACKAGES = '/opt/assay/site-packages'
USER_SITE = f'{HOME}/.local/lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages'

PATH = ':'.join(
    [
        f'{HOME}/.local/bin',
        f'{VENV}/bin',
        '/opt/assay/guest/bin',
        f'{NODE_MODULES}/.bin',
        '/opt/node/bin',
        '/usr/local/bin',
        '/usr/bin',
        '/bin',
    ]
)

# What the system trusts, by distribution; else what Python's packages bring along.
BUNDLES = (
    '/etc/ssl/certs/ca-certificates.crt',
    '/etc/pki/tls/certs/ca-bundle.crt',
    '/etc/ssl/ca-bundle.pem',
    '/etc/ssl/cert.pem',
    f'{SITE_PACKAGES}/certifi/cacert.pem',
)
# By which programs are told what to trust: beside what they know, and instead of it.
WITH_CERTIFICATE = ('NODE_EXTRA_CA_CERTS', 'DENO_CERT')
WITH_BUNDLE = (
    'SSL_CERT_FILE', 'REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE', 'GIT_SSL_CAINFO', 'PIP_CERT', 'AWS_CA_BUNDLE', 'CARGO_HTTP_CAINFO'
)  # fmt: skip


# What a new home has, so that what installers add to it is in force from the next command on: each is run by a login shell.
DOTFILES = {
    '.profile': """# Read by login shells, as each command and terminal is one.
if [ -f "$HOME/.bashrc" ]; then . "$HOME/.bashrc"; fi
if [ -d "$HOME/bin" ]; then PATH="$HOME/bin:$PATH"; fi
""",
    '.bashrc': """# Read by interactive shells, and by ~/.profile.
case $- in *i*)
  PS1='\\u@\\h:\\w\\$ '
  HISTCONTROL=ignoreboth
  alias ls='ls --color=auto' grep='grep --color=auto' ll='ls -alF'
esac
""",
    '.bash_logout': '# Read by login shells when they end.\n',
}


# What this interpreter needs to start; set once, by the zygote.
INTERPRETER = {}


def base(user: str = 'user') -> dict:
    home = HOMES[user]
    return {
        'PATH': f'{ROOT_PROGRAMS}:{PATH}' if user == 'root' else PATH,
        'HOME': home,
        'USER': user,
        'LOGNAME': user,
        'SHELL': '/bin/bash',
        'LANG': 'C.UTF-8',
        'PWD': home,
        'MPLBACKEND': 'Agg',
        'E2B_SANDBOX': 'true',
        'PIP_DISABLE_PIP_VERSION_CHECK': '1',
        'PYTHONDONTWRITEBYTECODE': '1',
        'OPENBLAS_NUM_THREADS': '1',
        'OMP_NUM_THREADS': '1',
        **INTERPRETER,
    }


def check_user(user) -> str:
    user = user or 'user'
    if user not in HOMES:
        raise OpError('unauthenticated', f"there is no user '{user}' in this sandbox; use 'user' or 'root'")
    return user


def home_of(user: str) -> str:
    """The home folder; root's is there once it is asked for."""
    if user == 'root' and not os.path.isdir(f'{HOME}/.root'):
        os.makedirs(f'{HOME}/.root')
        furnish(f'{HOME}/.root')
    return HOMES[user]


def furnish(home: str):
    for name, text in DOTFILES.items():
        with open(f'{home}/{name}', 'x') as file:
            file.write(text)


def resolve(path: str, user: str = 'user') -> str:
    """A path as the server was given it: relative ones and `~` start at the user's home folder."""
    if not isinstance(path, str) or '\0' in path:
        raise OpError('invalid_argument', 'a path is a string without NUL characters')
    home = home_of(user)
    if path == '~' or path.startswith('~/'):
        path = home + path[1:]
    elif path.startswith('~'):
        raise OpError('invalid_argument', f"'{path}': there is no home folder of another user")
    return os.path.normpath(os.path.join(home, path))


def tell(facts: dict):
    """Puts what a sandbox may know of itself where E2B's have it."""
    os.makedirs(FACTS, exist_ok=True)
    for name, value in facts.items():
        with open(f'{FACTS}/.{name}', 'w') as file:
            file.write(value)


def trust(certificate: str) -> dict:
    """Puts a certificate where programs find it, alone and with those that the system trusts; the variables by which they do."""
    system = next((path for path in BUNDLES if os.path.exists(path)), os.devnull)
    with open(system) as file:
        bundle = f'{file.read()}\n{certificate}'
    for name, text in (('certificate.pem', certificate), ('ca-certificates.crt', bundle)):
        path = f'{FACTS}/{name}'
        # In one step, for programs may be reading it.
        with open(f'{path}.part', 'w') as file:
            file.write(text)
        os.replace(f'{path}.part', path)
    return {
        **dict.fromkeys(WITH_CERTIFICATE, f'{TOLD}/certificate.pem'),
        **dict.fromkeys(WITH_BUNDLE, f'{TOLD}/ca-certificates.crt'),
    }


def variables(*layers) -> dict:
    """Merges sets of variables and refuses what no process could be given."""
    merged = {}
    for layer in layers:
        for name, value in (layer or {}).items():
            name, value = str(name), str(value)
            if not name or '=' in name or '\0' in name + value:
                raise OpError('invalid_argument', f'not an environment variable: {name!r}')
            merged[name] = value
    return merged
