"""The sockets that the server listens on, and what to tell whoever started it where it cannot listen.

This module owns the socket options that find dead peers. It knows nothing of HTTP. Errors: `ListenError`, whose message
says what is in the way and what to type instead, and OSError where nobody is there to type anything.
"""

import errno
import socket
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from quart_app.doors import FRONT, WILDCARDS, Door

_KEEPALIVE_PROBES = 4
_QUEUE = 4_096  # connections that wait to be accepted, until the server says how many
_DESCRIPTORS = 250_000  # files that a process may have open, as far as the system allows
_DESCRIPTORS_UNNAMED = 10_240  # some systems that name no limit allow no more than this
Opened = list[tuple[Door, list[socket.socket]]]
"""Doors with their sockets, which are bound."""

Addresses = list[tuple[Door, list[tuple[int, str, int]]]]
"""Doors with the family, the host and the port of each of their sockets."""

ABSENT_ADDRESS = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})
"""The errors of an address that this machine does not have."""


class ListenError(RuntimeError):
    """The server cannot listen where it should."""


def open_doors(doors: Iterable[Door], peer_timeout: float) -> Opened:
    """Return each door with the sockets of `open_sockets`. Raise `ListenError`, also where two doors would be at one
    address."""
    opened: Opened = []
    try:
        for door in doors:
            _check_apart(door, [other for other, _ in opened])
            opened.append((door, open_sockets(door, peer_timeout)))
    except BaseException:
        close_doors(opened)
        raise
    return opened


def close_doors(opened: Opened) -> None:
    """Close the sockets of doors in this process."""
    for _, sockets in opened:
        _close(sockets)


def listen(opened: Opened) -> None:
    """Let connections queue up at the sockets of doors, for whoever will accept them."""
    for _, sockets in opened:
        for one in sockets:
            one.listen(_QUEUE)


def share_addresses(opened: Opened) -> None:
    """Let there be more sockets at the addresses of these, among which the system spreads connections (Linux)."""
    for _, sockets in opened:
        for one in sockets:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)


def addresses_of(opened: Opened) -> Addresses:
    """Return where the sockets of doors are bound."""
    return [(door, [(one.family, *one.getsockname()[:2]) for one in sockets]) for door, sockets in opened]


def bound_again(addresses: Addresses, peer_timeout: float) -> Opened:
    """Return one more socket at each of these addresses, which are shared. Raise OSError."""
    return [
        (door, [_bound(family, host, port, peer_timeout, shared=True) for family, host, port in places])
        for door, places in addresses
    ]


def open_sockets(door: Door, peer_timeout: float) -> list[socket.socket]:
    """Return one bound, not yet listening, non-blocking socket for each address of the host of `door`, all on one port.

    Port 0 stands for any free port. Connections accepted from them are dropped by the system when the peer has taken
    nothing for ``peer_timeout`` seconds, as far as the platform can. Raise `ListenError`.
    """
    try:
        return bound_sockets(door.host, door.port, peer_timeout)
    except (socket.gaierror, UnicodeError) as error:
        raise ListenError(f"{door.host} is not the name of this machine; type {_elsewhere(door)}") from error
    except OSError as error:
        raise _listen_error(error, door) from error


def _check_apart(door: Door, others: Sequence[Door]) -> None:
    """Raise `ListenError` where `door` is to be where one of `others` is: the system says so late, and not in words."""
    for other in others:
        if door.port and door.port == other.port and _meet(_places(door), _places(other)):
            free = _next_free_port(door.host, door.port) or 0
            names = f"the doors {other.name} and {door.name}"
            raise ListenError(f"{names} would both be at {door.host}:{door.port}; type {_at_port(door, free)}")


def _places(door: Door) -> list[str]:
    with suppress(OSError, UnicodeError):  # that is said where it is bound
        return [address for _, address in _addresses(door.host, door.port)]
    return []


def _meet(some: list[str], others: list[str]) -> bool:
    """Return whether one of these addresses is one of those, or stands for it."""
    return any(
        one == other or ((":" in one) == (":" in other) and not WILDCARDS.keys().isdisjoint({one, other}))
        for one in some
        for other in others
    )


def _at_port(door: Door, port: int) -> str:
    """Return how the same door at another port is asked for."""
    return f"--port {port}" if door.name == FRONT else _typed(door, door.host, port)


def _elsewhere(door: Door) -> str:
    """Return how the same door at an address of this machine is asked for."""
    return "--host 127.0.0.1" if door.name == FRONT else _typed(door, "127.0.0.1", door.port)


def _typed(door: Door, host: str, port: int) -> str:
    return f"--door {door.name}={f'[{host}]' if ':' in host else host}:{port},…"


def _addresses(host: str, port: int) -> list[tuple[socket.AddressFamily, str]]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return list(dict.fromkeys((entry[0], str(entry[4][0])) for entry in found))


def bound_sockets(host: str, port: int, peer_timeout: float) -> list[socket.socket]:
    """Return what `open_sockets` does. Raise OSError, and UnicodeError for what is no name."""
    sockets: list[socket.socket] = []
    failure: OSError | None = None
    for family, address in _addresses(host, port):
        try:
            sockets.append(_bound(family, address, port, peer_timeout))
        except OSError as error:
            # "localhost" names ::1 too on machines without IPv6: one address of several may be missing.
            if error.errno not in ABSENT_ADDRESS:
                _close(sockets)
                raise
            failure = error
        else:
            port = sockets[-1].getsockname()[1]
    if not sockets and failure is not None:
        raise failure
    return sockets


def _bound(family: int, address: str, port: int, peer_timeout: float, *, shared: bool = False) -> socket.socket:
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform == "win32":
            # On Windows SO_REUSEADDR would let two servers share a port.
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        _find_dead_peers(opened, peer_timeout)
        opened.bind((address, port))
        opened.setblocking(False)
    except BaseException:
        opened.close()
        raise
    return opened


def _find_dead_peers(listener: socket.socket, peer_timeout: float) -> None:
    """Set the options that accepted connections inherit: keep-alive for silent peers, a limit for unacknowledged data.

    TCP_USER_TIMEOUT (RFC 5482) also ends a peer that answers but whose window stays shut.
    """
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    interval = max(1, round(peer_timeout / (_KEEPALIVE_PROBES + 1)))
    wanted = {
        "TCP_KEEPIDLE": interval,  # seconds of silence before the first probe
        "TCP_KEEPALIVE": interval,  # the same option on macOS
        "TCP_KEEPINTVL": interval,  # seconds between probes
        "TCP_KEEPCNT": _KEEPALIVE_PROBES,
        "TCP_USER_TIMEOUT": round(peer_timeout * 1000),  # ms
    }
    for name, value in wanted.items():
        option = getattr(socket, name, None)
        if option is not None:
            with suppress(OSError):
                listener.setsockopt(socket.IPPROTO_TCP, option, value)


def _close(sockets: list[socket.socket]) -> None:
    for opened in sockets:
        opened.close()


def _listen_error(error: OSError, door: Door) -> ListenError:
    host, port = door.host, door.port
    if error.errno == errno.EADDRINUSE:
        instead = f"envivo serve {_at_port(door, _next_free_port(host, port) or 0)}"
        holder = port_holder(port) or "another program"
        return ListenError(f"port {port} is taken by {holder}; end that, or type: {instead}")
    if error.errno == errno.EACCES:
        return ListenError(f"port {port} needs more rights than you have; type: envivo serve {_at_port(door, 8000)}")
    if error.errno in ABSENT_ADDRESS:
        return ListenError(f"{host} is not an address of this machine; type {_elsewhere(door)}")
    return ListenError(f"cannot listen on {host}, port {port}: {error.strerror or error}")


def _next_free_port(host: str, port: int) -> int | None:
    for candidate in range(port + 1, min(port + 20, 65536)):
        with suppress(OSError), socket.create_server((host, candidate)):
            return candidate
    return None


def port_holder(port: int) -> str | None:
    """Return the program that listens on ``port``, as ``name (process id)``; None where the system does not tell."""
    inodes = set()
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in Path("/proc/net", table).read_text("ascii").splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:  # 0A: listening
                    inodes.add(f"socket:[{fields[9]}]")
    if not inodes:
        return None
    for descriptor in Path("/proc").glob("[0-9]*/fd/*"):
        with suppress(OSError):
            if str(descriptor.readlink()) in inodes:
                process = descriptor.parents[1]
                return f"{(process / 'comm').read_text('utf-8').strip()} (process {process.name})"
    return None


def raise_descriptor_limit() -> None:
    """Let this process, and those it starts, open as many connections as the system allows."""
    if sys.platform != "win32":
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = _DESCRIPTORS_UNNAMED if hard == resource.RLIM_INFINITY else min(hard, _DESCRIPTORS)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
