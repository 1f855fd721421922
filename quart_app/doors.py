"""The doors of the server. Each listener has one, and who is believed, and what there is to see, is the door's affair.

A door is found by the address at which a request came in, and travels in its ASGI scope from there on. Doors may be
opened and closed while the server runs. This module knows the ways of a request as well: the address of the client
behind the proxies that the operator trusts.

Errors: `TypedError` for the text of a door that cannot be one; `DoorError` for a door that cannot be opened or closed.
"""

import asyncio
import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from functools import lru_cache, partial
from itertools import pairwise
from typing import Any, Final, Literal, Protocol
from urllib.parse import urlsplit

import msgspec

from quart_app.issuers import Issuer, Provider
from quart_app.typed import TypedError
from quart_app.wire import is_topic_pattern

OPEN: Final = "open"
SECURE: Final = "secure"
TOKEN_LIFETIME: Final = 366 * 24 * 3600  # s
SECRET_KEY_CHARACTERS: Final = 32  # RFC 7518 section 3.2: a key for HS256 has at least 256 bits
FRONT: Final = "front"
"""The name of the door that ENVIVO_HOST, ENVIVO_PORT and ENVIVO_ACCESS describe."""
MAY_BE: Final = (
    "<name>=<address>:<port>, then, after commas, open or secure, key=<its own key>, and hosts=, topics= and paths= "
    "with values between which there is a +, such as lan=192.168.1.20:8001,secure,topics=log/class/*+live/class/*"
)
"""What the text of a door may be."""

_DOOR: Final = "envivo.door"
_DIFFERENT_CHARACTERS: Final = 8  # that a key has, at least
GUIDE_KEY: Final = "at-least-32-characters-that-nobody-can-guess"
"""The key in the examples of the guide, which everybody can read."""
NAME: Final = r"[a-z][a-z0-9-]{0,31}"
"""The pattern of the name of a door."""
HOST: Final = r"[^\s/:]+"
"""The pattern of a name that a door answers to."""
PATH: Final = r"/\S*"
"""The pattern of the beginning of a path."""
_ADDRESS: Final = re.compile(r"(?P<host>\[[0-9a-fA-F:.]+\]|[^\[\]:\s]+):(?P<port>\d{1,5})")
_LISTED: Final[Mapping[str, tuple[Callable[[str], object], str]]] = {
    "hosts": (re.compile(HOST).fullmatch, "names or addresses without a port, such as class.local+192.168.1.20"),
    "topics": (is_topic_pattern, "topics, such as log/class/*+rooms/1"),
    "paths": (re.compile(PATH).fullmatch, "beginnings of paths, such as /ws+/api/publish"),
}
_FORWARDED_CHARACTERS: Final = 2_000  # of X-Forwarded-For that are looked at
WILDCARDS: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - recognised here, not bound
"""The addresses that stand for all of this machine, and the one of each that it reaches itself at."""


Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = tuple[str, int]


class Door(msgspec.Struct, frozen=True, kw_only=True):
    """A listener at `host` and `port`, and what holds for those who come in there.

    `access` is ``open``, where everybody is who they say they are, or ``secure``, where a token tells; tokens are
    signed with `key`, may still be signed with one of the `old_keys`, and last `token_lifetime` seconds at most.
    `hosts` are the names under which the server answers, `topics` the topics (``name`` or ``prefix/*``) and `paths` the
    beginnings of paths that there are; each is empty where there is no such bound. `public_url` is the address that a
    proxy gives to the door, `origins` are other sites whose pages may connect, and `proxies` the networks whose word on
    a client's address is taken. Tokens of `issuer` are taken as well, and people may sign in at `provider`.
    """

    name: str = FRONT
    host: str = "127.0.0.1"
    port: int = 0
    access: Literal["open", "secure"] = "open"
    key: str | None = None
    old_keys: tuple[str, ...] = ()
    token_lifetime: int = TOKEN_LIFETIME
    hosts: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    public_url: str | None = None
    origins: tuple[str, ...] = ()
    proxies: tuple[Network, ...] = ()
    issuer: Issuer | None = None
    provider: Provider | None = None

    def __repr__(self) -> str:
        """Show the door without its keys."""
        return f"Door({self.name}={self.host}:{self.port}, {self.access})"

    @property
    def secure(self) -> bool:
        """Whether a token tells who somebody is."""
        return self.access == SECURE

    @property
    def over_tls(self) -> bool:
        """Whether the door's public address is one of https."""
        return self.public_url is not None and self.public_url.startswith("https:")

    def shows(self, path: str) -> bool:
        """Return whether there is anything at `path` for those who come in here."""
        return not self.paths or any(_begins(path, beginning) for beginning in self.paths)


def read_door(text: str) -> Door:
    """Return the door that `text` describes, as `MAY_BE` tells. Raise `TypedError`, which does not show its key."""
    name, equals, rest = text.strip().partition("=")
    if not equals:
        raise TypedError("a door", name, "<name>=<address>:<port>, such as lan=192.168.1.20:8001,secure")
    if not re.fullmatch(NAME, name) or name == FRONT:
        may_be = f"small letters, digits and -, with a letter first, such as lan; {FRONT} is the first door's"
        raise TypedError("the name of a door", name, may_be)
    address, *words = [part.strip() for part in rest.split(",")]
    match = _ADDRESS.fullmatch(address)
    if match is None or int(match["port"]) > 65535:
        may_be = "<address>:<port>, such as 192.168.1.20:8001"
        raise TypedError(f"the address of the door {name}", address, may_be)
    given: dict[str, Any] = {"name": name, "host": match["host"].strip("[]"), "port": int(match["port"])}
    for before, word in pairwise([address, *words]):
        key, value = _read_word(name, before, word)
        if key in given:
            raise TypedError(f"a word of the door {name}", _shown(before, word), "given once")
        given[key] = value
    if "key" in given and given.get("access") != SECURE:
        may_be = "left out, or stand beside secure: an open door asks nobody for a token"
        raise TypedError(f"a word of the door {name}", "key=…", may_be)
    return Door(**given)


def _read_word(name: str, before: str, word: str) -> tuple[str, Any]:
    key, equals, value = word.partition("=")
    if key in {OPEN, SECURE} and not equals:
        return "access", key
    if key == "key" and value:
        return key, value
    if key not in _LISTED:
        may_be = "open or secure, or key=, hosts=, topics= or paths= with values that have a + between them"
        raise TypedError(f"a word of the door {name}", _shown(before, word), may_be)
    fits, may_be = _LISTED[key]
    values = tuple(part for part in value.split("+") if part)
    for part in values or ("",):
        if not fits(part):
            raise TypedError(f"{key}= of the door {name}", part, may_be)
    return key, tuple(map(str.lower, values)) if key == "hosts" else values


def _shown(before: str, word: str) -> str:
    """Return of a wrong word what may be shown: not what may be a key, or the end of one with a comma in it."""
    if before.startswith("key="):
        return f"({len(word)} characters after a comma in key=)"
    key, equals, _ = word.partition("=")
    return f"{key}=…" if equals else key


def unfit(door: Door, beside: Iterable[Door] = ()) -> Literal["host", "key"] | None:
    """Return what of a door would let in whom it should not: an address that others reach, where everybody is who they
    say they are; or a key that is none, or that could be guessed, where others reach this door or one `beside` it.
    Return None where nothing would."""
    if not door.secure:
        return None if is_loopback(door.host) else "host"
    if door.key is None or len(door.key) < SECRET_KEY_CHARACTERS:
        return "key"
    reached = any(one.public_url is not None or not is_loopback(one.host) for one in (door, *beside))
    return "key" if reached and any(map(is_guessable, (door.key, *door.old_keys))) else None


def is_guessable(key: str) -> bool:
    """Return whether a key could be guessed: it is the guide's, or has the same few characters over and over."""
    return key == GUIDE_KEY or len(set(key)) < _DIFFERENT_CHARACTERS


class DoorError(ValueError):
    """The error of a door that can be neither opened nor closed as it was asked: `code` tells why to a program, `field`
    is what is wrong about the door, where one thing is, and the message says it in one sentence."""

    def __init__(self, code: str, said: str, *, field: str = "") -> None:
        super().__init__(said)
        self.code = code
        self.field = field


class Listening(Protocol):
    """What carries out that a door is opened or closed: the server, while it runs."""

    scheme: str

    async def open(self, door: Door, bind: Callable[[Iterable[Address]], object]) -> None:
        """Listen at the address of `door`; tell `bind` where that is before anybody is let in. Raise `DoorError`."""

    async def close(self, door: Door, turn_out: Callable[[], object]) -> None:
        """Listen there no more; end what has come in there, by `turn_out` first, and then in any case."""


class Doors:
    """The doors of one server, found by the addresses that their listeners have.

    `listening` opens and closes them, where there is a server that can. Those who are `on_close` are told of each that
    is closed, twice: when nobody comes in there any more, and when what came in is cut off.
    """

    def __init__(self, doors: Sequence[Door]) -> None:
        self.listening: Listening | None = None
        self.on_close: list[Callable[[Door], object]] = []
        self._changing = asyncio.Lock()
        self._open: dict[str, Door] = {door.name: door for door in doors}
        self._addresses: dict[str, list[Address]] = {}
        # Once there was another door, what came in by that is never taken for what has come in by the first.
        self._only = doors[0] if len(doors) == 1 else None
        self._exact: dict[Address, Door] = {}
        self._anywhere: dict[tuple[bool, int], Door] = {}
        for door in doors:
            self.bind(door.name, [(door.host, door.port)])

    def __iter__(self) -> Iterator[Door]:
        return iter(tuple(self._open.values()))

    def bind(self, name: str, addresses: Iterable[Address]) -> None:
        """Note the addresses that the listeners of the door of that name have got."""
        door = self._open[name]
        self._addresses[name] = list(addresses)
        for host, port in self._addresses[name]:
            if host in WILDCARDS:
                self._anywhere[":" in host, port] = door
            else:
                self._exact[host, port] = door

    def at(self, server: Any) -> Door | None:
        """Return the door of the listener at `server`, the (host, port) of an ASGI scope; None where there is none."""
        if self._only is not None:
            return self._only
        if not server:
            return None
        host, port = server[0], server[1]
        return self._exact.get((host, port)) or self._anywhere.get((":" in host, port))

    def named(self, name: str) -> Door:
        """Return the door of that name. Raise `DoorError`."""
        if (door := self._open.get(name)) is None:
            raise DoorError("door_not_found", f"there is no door named {name} here")
        return door

    def addresses(self, door: Door) -> Sequence[Address]:
        """Return where a door is, as its listeners have it."""
        return self._addresses.get(door.name, ())

    def is_open(self, door: Door) -> bool:
        """Return whether `door` is one of these, and was not closed."""
        return self._open.get(door.name) is door

    async def open(self, door: Door) -> None:
        """Open a door; who comes in there is held to it from now on. Raise `DoorError`, also for one that is unfit."""
        match unfit(door):
            case "host":
                said = "secure, where others reach the address: at an open door everybody is who they say they are"
                raise DoorError("bad_request", said, field="access")
            case "key":
                said = f"at least {SECRET_KEY_CHARACTERS} characters that nobody can guess"
                raise DoorError("bad_request", said, field="key")
        async with self._changing:
            listening = self._listening()
            if door.name in self._open:
                raise DoorError("door_exists", f"there is a door named {door.name} already", field="name")
            self._only = None
            self._open[door.name] = door
            try:
                await listening.open(door, partial(self.bind, door.name))
            except BaseException:
                self._forget(door)
                raise

    async def close(self, name: str) -> None:
        """Close a door: nobody comes in there any more, and what has come in is ended, or cut off where it stays.

        Its tokens are good no more, unless it has its key from the first door. Raise `DoorError`.
        """
        async with self._changing:
            listening, door = self._listening(), self.closable(name)
            self._forget(door)
            await listening.close(door, partial(self._turn_out, door))

    def closable(self, name: str) -> Door:
        """Return the door of that name. Raise `DoorError` where there is none, and where it is the first."""
        door = self.named(name)
        if name == FRONT:
            raise DoorError("first_door", "the first door is open for as long as the server runs")
        return door

    def _listening(self) -> Listening:
        if self.listening is None:
            raise DoorError("going_away", "this server opens and closes no doors now")
        return self.listening

    def _turn_out(self, door: Door) -> None:
        for tell in self.on_close:
            tell(door)

    def _forget(self, door: Door) -> None:
        del self._open[door.name]
        self._addresses.pop(door.name, None)
        self._exact = {address: other for address, other in self._exact.items() if other is not door}
        self._anywhere = {place: other for place, other in self._anywhere.items() if other is not door}


def enter(scope: MutableMapping[str, Any], door: Door) -> None:
    """Note in the ASGI scope of a request by which door it came in."""
    scope[_DOOR] = door


def door_of(scope: Mapping[str, Any]) -> Door:
    """Return the door by which the request of an ASGI scope came in."""
    door: Door = scope[_DOOR]
    return door


def client_address(scope: Mapping[str, Any]) -> str:
    """Return the address of the client of an ASGI scope, empty where it is not known.

    Where a trusted proxy has brought the request, it is the last address in ``X-Forwarded-For`` that is not a trusted
    proxy's own: what stands before that, the client may have written.
    """
    client = scope.get("client")
    address: str = client[0] if client else ""
    proxies = door_of(scope).proxies
    if not proxies or not trusts(proxies, address):
        return address
    lines = [value.decode("latin-1") for name, value in scope["headers"] if name.lower() == b"x-forwarded-for"]
    for told in reversed(",".join(lines)[-_FORWARDED_CHARACTERS:].split(",")):
        hop = _address(told.strip())
        if hop is None:
            break
        address = hop
        if not trusts(proxies, hop):
            break
    return address


@lru_cache(maxsize=1024)
def trusts(proxies: tuple[Network, ...], address: str) -> bool:
    """Return whether `address` is in one of the networks `proxies`."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in proxies)


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach a server that listens on `host`."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def address_to_open(address: Address, scheme: str) -> str:
    """Return the address of a listener that a browser on this machine can open, e.g. ``http://127.0.0.1:8000``."""
    host, port = address[:2]
    host = WILDCARDS.get(host, host)
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def is_confidential(url: str) -> bool:
    """Return whether nobody on the way reads or changes what is said to `url`: it is one of https, or of this
    machine."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    name = parts.hostname or ""
    return bool(name) and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(name)))


def _address(text: str) -> str | None:
    """Return the address in an element of ``X-Forwarded-For``, which some write with a port; None where it is none."""
    host = text[1:].partition("]")[0] if text.startswith("[") else text
    if host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return None


def _begins(path: str, beginning: str) -> bool:
    return path == beginning or path.startswith(beginning if beginning.endswith("/") else beginning + "/")
