"""Memory that the kernel holds for processes and that none of them maps: by what it costs in sum, since none of it has one owner."""

import os
import socket
import struct

# About what a pipe's buffer, a file and what is attached to it come to.
DESCRIPTOR_BYTES = 16 << 10

NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY = 4, 20
NLM_F_REQUEST_DUMP, NLMSG_ERROR, NLMSG_DONE = 0x301, 2, 3
ALL_STATES = 0xFFFF_FFFF
HEADER = struct.Struct('=IHHII')
ATTRIBUTE = struct.Struct('=HH')
# rmem_alloc, rcvbuf, wmem_alloc, sndbuf, fwd_alloc, wmem_queued, optmem, backlog
MEMORY = struct.Struct('=8I')
UNIX = (struct.pack('=BBHIIIII', socket.AF_UNIX, 0, 0, ALL_STATES, 0, 0x20, 0, 0), 16, 5)
INET = [
    (struct.pack('=BBBBI48x', family, protocol, 1 << 6, 0, ALL_STATES), 72, 7)
    for family in (socket.AF_INET, socket.AF_INET6)
    for protocol in (socket.IPPROTO_TCP, socket.IPPROTO_UDP)
]


def held_by_kernel(pids: list, sockets) -> dict:
    """For each process a price for its descriptors and, by their number, its part of what is in sockets."""
    files = {pid: _descriptors(pid) for pid in pids}
    number, in_sockets = sum(files.values()), sockets.total_bytes()
    if number == 0:
        return dict.fromkeys(pids, in_sockets // max(1, len(pids)))
    return {pid: open_ones * (DESCRIPTOR_BYTES + in_sockets // number) for pid, open_ones in files.items()}


def _descriptors(pid: int) -> int:
    """How many descriptors a process has open; 0 where the kernel (before 6.2) does not tell."""
    try:
        return os.stat(f'/proc/{pid}/fd').st_size
    except OSError:
        return 0


class SocketMemory:
    """What is in the buffers of all sockets of the network namespace that this is made in."""

    def __init__(self):
        self.diag = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG)
        self.diag.setblocking(False)

    def total_bytes(self) -> int:
        return sum(self._bytes_of(*kind) for kind in (UNIX, *INET))

    def _bytes_of(self, request: bytes, body_size: int, memory_attribute: int) -> int:
        total = 0
        try:
            self.diag.send(HEADER.pack(HEADER.size + len(request), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST_DUMP, 0, 0) + request)
            while True:
                answer = self.diag.recv(65536)
                offset = 0
                while offset + HEADER.size <= len(answer):
                    length, kind, *_ = HEADER.unpack_from(answer, offset)
                    if kind in (NLMSG_DONE, NLMSG_ERROR):
                        return total  # An error: the kernel has no such sockets.
                    start = offset + HEADER.size + body_size
                    total += _memory_in(answer, start, offset + length, memory_attribute)
                    offset += _aligned(length)
        except OSError:
            return total


def _memory_in(answer: bytes, offset: int, end: int, wanted: int) -> int:
    while offset + ATTRIBUTE.size <= end:
        length, kind = ATTRIBUTE.unpack_from(answer, offset)
        if length < ATTRIBUTE.size:
            break
        if kind == wanted and length >= ATTRIBUTE.size + MEMORY.size:
            received, _, sent, _, reserved, queued, options, backlog = MEMORY.unpack_from(answer, offset + ATTRIBUTE.size)
            return received + max(sent, queued) + reserved + options + backlog
        offset += _aligned(length)
    return 0


def _aligned(length: int) -> int:
    return (length + 3) & ~3
