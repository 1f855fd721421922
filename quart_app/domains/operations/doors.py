"""The doors of the server: which there are, who has come in by each; opened, closed, and with tokens made for them."""

import secrets
from collections import defaultdict
from dataclasses import dataclass
from heapq import nsmallest
from typing import Any, Final
from urllib.parse import urlencode

from quart_app.config import Settings
from quart_app.domains.operations import rules
from quart_app.domains.operations.requests import NewDoor
from quart_app.domains.operations.shapes import DoorListed
from quart_app.doors import FRONT, SECRET_KEY_CHARACTERS, Door, DoorError, Doors, address_to_open
from quart_app.realtime import Connection, Hub, Refused, cleaned, limits

_STATUS: Final = {
    "bad_request": 400,
    "door_not_found": 404,
    "going_away": 503,
    "no_such_address": 400,
    "port_reserved": 400,
}
_CONFLICT: Final = 409


@dataclass(frozen=True)
class DoorKeeping:
    """The use cases of the doors. What is opened here has a key of its own, which is in memory alone."""

    hub: Hub
    doors: Doors
    settings: Settings

    def listed(self, here: Door) -> list[DoorListed]:
        """Return the doors that there are, the first one first; `here` is that by which somebody asks."""
        came: defaultdict[str, list[Connection]] = defaultdict(list)
        for connection in self.hub.connections.values():
            came[connection.door].append(connection)
        return [self._listed(door, here, came[door.name]) for door in self.doors]

    async def open(self, new: NewDoor, here: Door) -> DoorListed:
        """Open a door. Raise Refused, which names the field where one is wrong."""
        door = self.settings.beside(_door(new))
        if len(list(self.doors)) >= limits.DOORS:
            raise Refused("too_many", f"at most {limits.DOORS} doors", status=_CONFLICT)
        try:
            await self.doors.open(door)
        except DoorError as error:
            raise _refused(error) from error
        return self._listed(door, here, [])

    def may_close(self, name: str, here: Door) -> int:
        """Return how many connections have come in by a door that is to be closed. Raise Refused where it stays."""
        if name == here.name and name != FRONT:
            raise Refused("own_door", "you have come in by this door: close it from another", status=_CONFLICT)
        try:
            self.doors.closable(name)
        except DoorError as error:
            raise _refused(error) from error
        return sum(one.door == name for one in self.hub.connections.values())

    async def close(self, name: str) -> None:
        """Close a door, and return when nobody is left who has come in there. Raise Refused."""
        try:
            await self.doors.close(name)
        except DoorError as error:
            raise _refused(error) from error

    def inviting(self, name: str) -> Door:
        """Return the door of that name, if tokens are made for it here: if it asks for them, and was opened while the
        server runs. The keys of the others are known outside. Raise Refused."""
        try:
            door = self.doors.named(name)
        except DoorError as error:
            raise _refused(error) from error
        if not door.secure:
            raise Refused("open_mode", "nobody is asked for a token at this door", status=_CONFLICT)
        if not self._invites(door):
            said = f"the key of this door is known outside: `envivo token --at {name}` makes tokens"
            raise Refused("start_door", said, status=_CONFLICT)
        return door

    def _invites(self, door: Door) -> bool:
        return door.secure and door not in self.settings.doors

    def address(self, door: Door) -> str:
        """Return the address that a browser opens to come in by a door."""
        if door.public_url is not None:
            return door.public_url
        scheme = "http" if self.doors.listening is None else self.doors.listening.scheme
        return address_to_open(next(iter(self.doors.addresses(door)), (door.host, door.port)), scheme)

    def link(self, door: Door, token: str) -> str:
        """Return the address of the first page behind a door, by which a browser comes in with `token`."""
        page = "/" if door.shows("/") else door.paths[0]
        return f"{self.address(door)}{page}?{urlencode({'token': token})}"

    def _listed(self, door: Door, here: Door, came: list[Connection]) -> DoorListed:
        return {
            "name": door.name,
            "address": self.address(door),
            "listens_at": [f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in self._at(door)],
            "access": door.access,
            "hosts": list(door.hosts),
            "topics": list(door.topics),
            "paths": list(door.paths),
            "connections": len(came),
            "users": nsmallest(limits.DOOR_USERS_SHOWN, {one.identity.username for one in came}),
            "yours": door.name == here.name,
            "first": door.name == FRONT,
            "invites": self._invites(door),
        }

    def _at(self, door: Door) -> list[Any]:
        return [address[:2] for address in self.doors.addresses(door)]


def _door(new: NewDoor) -> Door:
    if new.name == FRONT:
        raise _refused(DoorError("door_exists", f"{FRONT} is the name of the first door", field="name"))
    return Door(
        name=new.name,
        host=cleaned("host", new.host, rules.door_host),
        port=new.port,
        access=new.access,
        key=secrets.token_urlsafe(SECRET_KEY_CHARACTERS) if new.access == "secure" else None,
        hosts=tuple(map(str.lower, new.hosts)),
        topics=cleaned("topics", new.topics, rules.door_topics),
        paths=tuple(new.paths),
    )


def _refused(error: DoorError) -> Refused:
    fields = {error.field: str(error)} if error.field else None
    retry_after = 1.0 if error.code == "going_away" else None
    return Refused(
        error.code, str(error), status=_STATUS.get(error.code, _CONFLICT), fields=fields, retry_after=retry_after
    )
