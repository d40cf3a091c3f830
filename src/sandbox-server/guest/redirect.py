"""Hands all that a sandbox's programs send to the outside to sockets of its supervisor, by the kernel's own means.

Every address that there is becomes one of the sandbox's loopback (a local route for all), and packets that come in there for an outside address
go to a listener (`tproxy` of nf_tables), which sees them as they are. No address is translated, so there is no table of connections to fill.
"""

import os
import socket
import struct

NETLINK_ROUTE, NETLINK_NETFILTER = 0, 12
REQUEST, ACK, EXCLUSIVE, CREATE, APPEND = 0x01, 0x04, 0x200, 0x400, 0x800
NESTED = 0x8000

# linux/rtnetlink.h
RTM_NEWROUTE, RT_TABLE_LOCAL, RTPROT_STATIC, RT_SCOPE_HOST, RTN_LOCAL = 24, 255, 4, 254, 2
RTA_DST, RTA_OIF, RTA_PREFSRC = 1, 4, 7

# linux/netfilter/nf_tables.h
SUBSYSTEM, BATCH_BEGIN, BATCH_END = 10, 16, 17
NEW_TABLE, NEW_CHAIN, NEW_RULE = 0, 3, 6
PREROUTING, LOCAL_IN = 0, 1
MANGLE, FILTER = -150, 0
L4PROTO, NETWORK_HEADER, TRANSPORT_HEADER = 16, 1, 2
EQUAL, UNEQUAL = 0, 1
PORT_UNREACHABLE = {socket.AF_INET: 3, socket.AF_INET6: 4}

TABLE = b'assay'
# A port that code in the sandbox may not bind.
PORT = 53
LISTENERS = {socket.AF_INET: '127.77.0.1', socket.AF_INET6: '::1'}
SOURCES = {socket.AF_INET: '127.0.0.1', socket.AF_INET6: '::1'}
# IP_TRANSPARENT and IP_PKTINFO, which tells where to a datagram was sent, and those of IPv6.
OPTIONS = {socket.AF_INET: (socket.SOL_IP, 19, 8), socket.AF_INET6: (socket.IPPROTO_IPV6, 75, 49)}
BACKLOG = 256
# Where a packet says its destination, and what that begins with where it stays inside.
INSIDE = {socket.AF_INET: (16, b'\x7f'), socket.AF_INET6: (24, socket.inet_pton(socket.AF_INET6, '::1'))}


def open_sockets() -> list:
    """A listener and a socket for names, for IPv4 and, where the kernel has it, IPv6; needs rights over the network namespace."""
    opened = [*_pair(socket.AF_INET)]
    try:
        opened += _pair(socket.AF_INET6)
    except OSError:
        pass
    return opened


def _pair(family: int) -> list:
    level, transparent, told = OPTIONS[family]
    pair = [socket.socket(family, kind) for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)]
    listener, names = pair
    for each in pair:
        each.setsockopt(level, transparent, 1)
        each.bind((LISTENERS[family], PORT))
        each.setblocking(False)
    listener.listen(BACKLOG)
    names.setsockopt(level, told, 1)
    return pair


def redirect(families: set):
    """Makes the routes and the rules; needs CAP_NET_ADMIN over the network namespace. An OSError where the kernel lacks something."""
    messages = [_message(BATCH_BEGIN, 0, socket.AF_UNSPEC, b'', resource=SUBSYSTEM)]
    for family in families:
        messages += _rules(family)
    messages[-1] = _with_ack(messages[-1])
    ask(NETLINK_NETFILTER, [*messages, _message(BATCH_END, 0, socket.AF_UNSPEC, b'', resource=SUBSYSTEM)], answers=1)
    # Last: where the rules are not to be had, there is to be no route either.
    ask(NETLINK_ROUTE, [local_route(family) for family in families])


def local_route(family: int, network: str = '', bits: int = 0) -> bytes:
    """Makes addresses the loopback's, all by default; what is sent to one comes from there."""
    body = struct.pack('=BBBBBBBBI', family, bits, 0, 0, RT_TABLE_LOCAL, RTPROT_STATIC, RT_SCOPE_HOST, RTN_LOCAL, 0)
    if network:
        body += _attribute(RTA_DST, socket.inet_pton(family, network))
    body += _attribute(RTA_OIF, struct.pack('=I', socket.if_nametoindex('lo')))
    body += _attribute(RTA_PREFSRC, socket.inet_pton(family, SOURCES[family]))
    return _netlink(RTM_NEWROUTE, REQUEST | ACK | CREATE | EXCLUSIVE, body)


def _rules(family: int) -> list:
    def message(kind, flags, *attributes):
        return _message(SUBSYSTEM << 8 | kind, flags, family, b''.join(attributes))

    def chain(name, hook, priority):
        place = _attribute(1, struct.pack('>I', hook)) + _attribute(2, struct.pack('>i', priority))
        return message(
            NEW_CHAIN, CREATE, _attribute(1, TABLE + b'\0'), _attribute(3, name + b'\0'), _nested(4, place),
            _attribute(7, b'filter\0'),
        )  # fmt: skip

    def rule(chain_name, *expressions):
        listed = b''.join(_nested(1, expression) for expression in expressions)
        return message(
            NEW_RULE, CREATE | APPEND, _attribute(1, TABLE + b'\0'), _attribute(2, chain_name + b'\0'), _nested(4, listed)
        )

    offset, inside = INSIDE[family]
    outside = [_payload(NETWORK_HEADER, offset, len(inside)), _compare(UNEQUAL, inside)]
    names = [_payload(TRANSPORT_HEADER, 2, 2), _compare(EQUAL, struct.pack('>H', 53))]
    others = [_payload(TRANSPORT_HEADER, 2, 2), _compare(UNEQUAL, struct.pack('>H', 53))]
    hand_over = [
        _immediate(1, socket.inet_pton(family, LISTENERS[family])),
        _immediate(2, struct.pack('>H', PORT)),
        _expression(b'tproxy', _number(1, family), _number(2, 1), _number(3, 2)),
    ]
    refuse = _expression(b'reject', _number(1, 0), _attribute(2, bytes([PORT_UNREACHABLE[family]])))
    return [
        message(NEW_TABLE, CREATE, _attribute(1, TABLE + b'\0')),
        chain(b'in', PREROUTING, MANGLE),
        chain(b'own', LOCAL_IN, FILTER),
        rule(b'in', *_protocol(socket.IPPROTO_TCP), *outside, *hand_over),
        rule(b'in', *_protocol(socket.IPPROTO_UDP), *outside, *names, *hand_over),
        rule(b'own', *_protocol(socket.IPPROTO_UDP), *outside, *others, refuse),
    ]


def _protocol(number: int) -> list:
    return [_expression(b'meta', _number(2, L4PROTO), _number(1, 1)), _compare(EQUAL, bytes([number]))]


def _payload(header: int, offset: int, length: int) -> bytes:
    return _expression(b'payload', _number(1, 1), _number(2, header), _number(3, offset), _number(4, length))


def _compare(how: int, value: bytes) -> bytes:
    return _expression(b'cmp', _number(1, 1), _number(2, how), _nested(3, _attribute(1, value)))


def _immediate(register: int, value: bytes) -> bytes:
    return _expression(b'immediate', _number(1, register), _nested(2, _attribute(1, value)))


def _expression(name: bytes, *attributes: bytes) -> bytes:
    return _attribute(1, name + b'\0') + _nested(2, b''.join(attributes))


def _number(kind: int, value: int) -> bytes:
    return _attribute(kind, struct.pack('>I', value))


def _nested(kind: int, body: bytes) -> bytes:
    return _attribute(kind | NESTED, body)


def _attribute(kind: int, body: bytes) -> bytes:
    return struct.pack('=HH', 4 + len(body), kind) + body + bytes(-len(body) % 4)


def _message(kind: int, flags: int, family: int, attributes: bytes, resource: int = 0) -> bytes:
    return _netlink(kind, REQUEST | flags, struct.pack('>BBH', family, 0, resource) + attributes)


def _netlink(kind: int, flags: int, body: bytes) -> bytes:
    return struct.pack('=IHHII', 16 + len(body), kind, flags, 0, 0) + body


def _with_ack(message: bytes) -> bytes:
    size, kind, flags, sequence, port = struct.unpack('=IHHII', message[:16])
    return struct.pack('=IHHII', size, kind, flags | ACK, sequence, port) + message[16:]


def ask(protocol: int, messages: list, answers: int = 0):
    """Sends messages at once and waits for what the kernel says of those that ask for it."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol) as kernel:
        kernel.send(b''.join(messages))
        for _ in range(answers or len(messages)):
            code = struct.unpack('=i', kernel.recv(4096)[16:20])[0]
            if code:
                raise OSError(-code, os.strerror(-code))
