"""What the attempts have in common: a system call by its number, and one way to say how it went."""

import ctypes
import os
import platform
import sys

HOST_PORT = int(os.environ.get('HOST_PORT', 1))
HOST_SECRET = 'host-secret-9152'
MARK = 'neighbour-mark-7431'
RULE_KEY = rb'value-of-a-rule-[0-9a-f]{8}'
NEIGHBOUR_VOLUME = os.environ.get('NEIGHBOUR_VOLUME_ID', 'none')
VOLUMES = ('/mnt/data', '/mnt', '/run/assay/volumes', '/mnt/data/..')
libc = ctypes.CDLL(None, use_errno=True)


def say(escaped, what):
    print(f'ESCAPED: {what}' if escaped else 'held', flush=True)
    os._exit(0)


def call(number, *args):
    """The result of a system call, or minus its error."""
    result = libc.syscall(ctypes.c_long(number), *(ctypes.c_long(a) if isinstance(a, int) else a for a in args))
    return -ctypes.get_errno() if result == -1 else result


def works(number, *args):
    """Says that it escaped where a system call succeeds that should be refused."""
    result = call(number, *args)
    say(result >= 0, f'system call {number} gave {result}')


def child(body):
    """Forks; the exit code of a child that runs `body`, which gives it, and 99 where it died otherwise."""
    pid = os.fork()
    if pid == 0:
        code = 98
        try:
            code = int(body() or 0)
        finally:
            os._exit(code)
    status = os.waitpid(pid, 0)[1]
    return os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 99


def can_write(path):
    """Says that it escaped where a file can be written that others see too."""
    try:
        with open(path, 'a') as file:
            file.write('')
    except OSError:
        say(False, path)
    say(True, f'{path} can be written')


def contains(paths, text):
    """Whether one of the files, as far as they can be read, has the text in it."""
    for path in paths:
        try:
            with open(path, 'rb') as file:
                if text.encode() in file.read(1_000_000):
                    return path
        except OSError:
            pass
    return None


def places(name):
    """Where a file of the neighbour's volume might be found."""
    return [f'{folder}/{NEIGHBOUR_VOLUME}/{name}' for folder in VOLUMES]


def search_memory(pattern):
    """All that matches in the memory of this process."""
    import re
    found = set()
    with open('/proc/self/maps') as maps, open('/proc/self/mem', 'rb', 0) as memory:
        for line in maps.readlines():
            edges, rights, *_ = line.split()
            start, end = (int(edge, 16) for edge in edges.split('-'))
            if not rights.startswith('rw'):
                continue
            try:
                memory.seek(start)
                found.update(re.findall(pattern, memory.read(end - start)))
            except OSError:
                pass
    return sorted(found)


def reaches(address):
    """Says that it escaped where the service of the host, or of anyone else, answers there."""
    import socket
    try:
        with socket.create_connection((address, HOST_PORT), 5) as connection:
            said = connection.recv(100)
    except OSError:
        said = b''
    say(said != b'', f'a service at {address}')


def asked_for_names(name, server, times=1):
    """How many questions for a name are answered with an address."""
    import socket
    labels = b''.join(bytes([len(each)]) + each.encode() for each in name.split('.'))
    found = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(2)
        try:
            asking.connect((server, 53))
            for _ in range(times):
                asking.send(b'\1\2\1\0\0\1\0\0\0\0\0\0' + labels + b'\0\0\1\0\1')
            for _ in range(times):
                found += asking.recv(2000)[7] > 0
        except OSError:
            pass
    return found


def told(host, lines, port=443):
    """What a host answers to a request that is said by hand, and the key of a rule that is in there."""
    import re, socket, ssl
    answer = b''
    try:
        with socket.create_connection((host, port), 8) as plain:
            asking = plain
            if port == 443:
                asking = ssl.create_default_context().wrap_socket(plain, server_hostname=host)
            asking.sendall('\r\n'.join([*lines, 'Connection: close', '', '']).encode())
            for chunk in iter(lambda: asking.recv(65536), b''):
                answer += chunk
    except OSError:
        pass
    return answer.decode(), re.findall(RULE_KEY, answer)
