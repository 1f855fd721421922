"""Who has started this process, where it gets its sockets from, and who hears what it has to say: a person at a
terminal, or the parent of several workers, which has bound the sockets and tells when to leave.
"""

import json
import os
import signal
import socket
import threading
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol, Self

import msgspec

from quart_app.config import Settings
from quart_app.server.leaving import say
from quart_app.server.listening import ListenError, Opened, open_doors

VARIABLE: Final = "ENVIVO_INHERITED"
"""The variable by which a parent tells a worker what it inherits: an `Inheritance` as JSON."""

EVERYBODY: Final = b"."
"""What a parent says to all its workers when it is told to stop."""


class Starter(Protocol):
    """Whoever has started this process."""

    def settings(self, settings: Settings) -> Settings:
        """Return the settings of this process, from those that were typed."""

    def open(self, settings: Settings) -> Opened:
        """Return the doors with their sockets, bound. Raise `ListenError`."""

    def say(self, text: str) -> None:
        """Say a line."""

    def serving(self) -> None:
        """Note that everything listens."""

    def leaving(self, node: str) -> Collection[str]:
        """Return the names of the nodes that leave now, of which this one is `node`."""


class Person:
    """A person at a terminal, or a program that starts services."""

    def settings(self, settings: Settings) -> Settings:
        return settings

    def open(self, settings: Settings) -> Opened:
        return open_doors(settings.doors, settings.peer_timeout)

    def say(self, text: str) -> None:
        say(text)

    def serving(self) -> None:
        """They see it."""

    def leaving(self, node: str) -> Collection[str]:
        return (node,)


class Inheritance(msgspec.Struct, frozen=True):
    """What a worker inherits: its number, the names of all workers as nodes, the descriptors of its end of the channel
    to the parent, and of the listening sockets by the names of their doors."""

    number: int
    nodes: tuple[str, ...]
    channel: int
    doors: dict[str, list[int]]


class Parent:
    """The parent of this worker, which hears by `channel` what it has to say until it serves. When the parent is gone,
    however it has ended, the worker leaves as it does when it is told to."""

    def __init__(self, inherited: Inheritance, channel: socket.socket) -> None:
        self._inherited = inherited
        self._channel = channel
        self._said: list[str] = []
        self._everybody = False
        threading.Thread(target=self._listen, name="parent", daemon=True).start()

    @classmethod
    def of_this_process(cls) -> Self | None:
        """Return the parent, once; None where there is none."""
        given = os.environ.pop(VARIABLE, None)
        if given is None:
            return None
        inherited = msgspec.json.decode(given, type=Inheritance)
        for descriptor in (inherited.channel, *(one for door in inherited.doors.values() for one in door)):
            os.set_inheritable(descriptor, False)
        return cls(inherited, socket.socket(fileno=inherited.channel))

    def settings(self, settings: Settings) -> Settings:
        """Return the settings with this worker's name and log files of its own, as two processes cannot set one file
        aside."""
        number = self._inherited.number
        log, security = settings.log_file and Path(settings.log_file), settings.security_log_path
        files = {"log_file": log, "security_log": security}
        own = {name: str(path.with_stem(f"{path.stem}-{number}")) for name, path in files.items() if path}
        return msgspec.structs.replace(settings, node=self._inherited.nodes[number - 1], **own)

    def open(self, settings: Settings) -> Opened:
        doors = self._inherited.doors
        if {door.name for door in settings.doors} != doors.keys():
            raise ListenError("the doors are others than when the workers were started: stop these, and start again")
        return [(door, [socket.socket(fileno=one) for one in doors[door.name]]) for door in settings.doors]

    def say(self, text: str) -> None:
        self._said.append(text)

    def serving(self) -> None:
        with suppress(OSError):  # it is gone, which is heard elsewhere
            self._channel.sendall(json.dumps(self._said).encode() + b"\n")

    def leaving(self, node: str) -> Collection[str]:
        return self._inherited.nodes if self._everybody else (node,)

    def _listen(self) -> None:
        """Wait for the only thing that the parent says, or for its end: either means that all workers leave."""
        with suppress(OSError):
            self._channel.recv(1)
        self._everybody = True
        os.kill(os.getpid(), signal.SIGTERM)
