"""Runs a program in a network of its own, in which the addresses of the make-believe internet are this machine's."""

import ctypes
import fcntl
import os
import socket
import struct
import sys

CLONE_NEWUSER, CLONE_NEWNET = 0x1000_0000, 0x4000_0000
SIOCSIFFLAGS, IFF_UP, IFF_LOOPBACK, IFF_RUNNING = 0x8914, 0x1, 0x8, 0x40

root, networks, *command = sys.argv[1:]
sys.path.insert(0, f'{root}/src/sandbox-server')
from guest import redirect  # noqa: E402

libc = ctypes.CDLL(None, use_errno=True)


def unshare(flags):
    if libc.unshare(flags) != 0:
        raise OSError(ctypes.get_errno(), 'there is no network of its own to be had')


uid, gid = os.geteuid(), os.getegid()
if uid == 0:
    unshare(CLONE_NEWNET)
else:
    # An ordinary user owns what is in a user namespace of its own, until it becomes the program.
    unshare(CLONE_NEWUSER | CLONE_NEWNET)
    for name, text in (('setgroups', 'deny'), ('uid_map', f'{uid} {uid} 1'), ('gid_map', f'{gid} {gid} 1')):
        with open(f'/proc/self/{name}', 'w') as file:
            file.write(text)
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
    up = struct.pack('16sh22x', b'lo', IFF_UP | IFF_LOOPBACK | IFF_RUNNING)
    fcntl.ioctl(any_socket, SIOCSIFFLAGS, up)
try:
    # Who is no root there may serve any port all the same.
    with open('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'w') as file:
        file.write('0')
except OSError:
    pass
for network in networks.split(','):
    address, bits = network.split('/')
    family = socket.AF_INET6 if ':' in address else socket.AF_INET
    redirect.ask(redirect.NETLINK_ROUTE, [redirect.local_route(family, address, int(bits))])
os.execvp(command[0], command)
