"""The security log: who came in, who was turned away, and who has changed what, as JSON lines in a file of its own.

Nothing else is written there, and nothing else rotates it. Lines are written in one piece at the end of the event
loop's turn. What anybody can cause who has no right to anything, above all refusals, is bounded: of all that have the
same address and the same result the first few in a minute get a line each, and one line tells how many more there were.
"""

import asyncio
import errno
import logging
import math
import os
from collections import Counter, deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple

import msgspec
from msgspec import Meta

from quart_app.config import SettingsError
from quart_app.doors import client_address, door_of
from quart_app.private_files import RotatedFile
from quart_app.realtime import Identity, Refused, limits, timestamp
from quart_app.surroundings import now

logger = logging.getLogger(__name__)

Event = Literal["sign_in", "sign_out", "refused", "admin", "changed", "left_out"]
DONE: Final = "done"
SEEN: Final = frozenset({401, 403, 421, 429})
"""The HTTP statuses of the refusals that are noted: no token, no right, a wrong name of the server, a quota."""

_BOUNDED: Final = frozenset({"sign_in", "sign_out"})
_TEXT: Final = 200  # characters of what clients have chosen
_LINE: Final = 2_000  # bytes that a line has at most, about


class Entry(msgspec.Struct, frozen=True):
    """A line of the log.

    What is not known is empty. A line `left_out` stands for `count` lines that were not written; where it has no
    address, they were of several.
    """

    at: Annotated[str, Meta(description="ISO 8601 in UTC.", examples=["2026-01-31T12:00:00.000Z"])]
    event: Event
    user_id: Annotated[str, Meta(examples=["7"])] = ""
    username: Annotated[str, Meta(examples=["Ana"])] = ""
    role: Annotated[str, Meta(examples=["user"])] = ""
    address: Annotated[str, Meta(description="Of the client.", examples=["192.0.2.7"])] = ""
    door: Annotated[str, Meta(description="The door by which it came in.", examples=["front"])] = ""
    what: Annotated[str, Meta(description="What was done, or asked for.", examples=["deposito"])] = ""
    object: Annotated[str, Meta(description="To what it was done.", examples=["accounts/1350509525"])] = ""
    detail: Annotated[str, Meta(examples=["50.00, transaccion 17"])] = ""
    result: Annotated[str, Meta(description="`done`, or the code of the refusal.", examples=["done"])] = ""
    reason: Annotated[str, Meta(description="The refusal in words.")] = ""
    count: Annotated[int, Meta(ge=0)] = 0


class Whence(NamedTuple):
    """Where somebody comes from: the address of the client, and the name of the door."""

    address: str = ""
    door: str = ""

    @classmethod
    def of(cls, scope: Mapping[str, Any]) -> "Whence":
        """Return where the request or WebSocket of an ASGI scope comes from."""
        return cls(client_address(scope), door_of(scope).name)


class Act(NamedTuple):
    """What is done, or asked for, and to which object; `detail` says more of it."""

    what: str
    object: str = ""
    detail: str = ""


class SecurityLog:
    """The log of one program, in the file at `path`, or in memory alone where that is None.

    `recent` has the last lines, oldest first; `written` counts those since the start. `refusals` counts the refusals by
    door and code, also those that have no line.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.recent: deque[Entry] = deque(maxlen=limits.SECURITY_LINES_SHOWN)
        self.written = 0
        self.refusals: Counter[tuple[str, str]] = Counter()
        self._path = path
        self._file: _File | None = None
        self._waiting: list[bytes] = []
        self._alike: dict[tuple[str, str], int] = {}
        self._window: asyncio.TimerHandle | None = None

    def open(self) -> None:
        """Begin to write to the file, and read its last lines. Raise `SettingsError`."""
        if self._path is None:
            return
        try:
            self._file = _File(self._path)
            self.recent.extend(_last_entries(self._path))
        except OSError as error:
            may_be = f"a file that can be written ({error.strerror})"
            raise SettingsError("ENVIVO_SECURITY_LOG (--security-log)", str(self._path), may_be) from error

    def close(self) -> None:
        """Write what waits, and close the file."""
        self._end_window()
        self._write()
        if self._file is not None:
            self._file.close()
            self._file = None

    def note(
        self, event: Event, who: Identity | None, where: Whence, act: Act, *, refused: Refused | None = None
    ) -> None:
        """Write a line about what `who` has done, or was `refused`; None is somebody whom nobody knows."""
        if event in _BOUNDED and not self._has_room(where.address, event):
            return
        by = ("", "", "") if who is None else (who.user_id, who.username, who.role)
        what = _shown(act.what), _shown(act.object), _shown(act.detail)
        result = (DONE, "") if refused is None else (refused.code, _shown(refused.message))
        self._add(Entry(timestamp(now()), event, *by, *where, *what, *result))

    def refused(self, refused: Refused, where: Whence, who: Callable[[], Identity | None], act: Act) -> None:
        """Count a refusal, and write a line about it where there were not too many like it; do nothing where it is none
        of those that are SEEN. `who` returns whom it has met, and is called for a line only."""
        if refused.status not in SEEN:
            return
        self.refusals[where.door, refused.code] += 1
        if self._has_room(where.address, refused.code):
            self.note("refused", who(), where, act, refused=refused)

    def _has_room(self, address: str, result: str) -> bool:
        """Return whether a line about this address and this result may be written now; count it."""
        alike = address, result
        if alike not in self._alike and len(self._alike) >= limits.SECURITY_KINDS:
            alike = ("", result) if len(self._alike) < 2 * limits.SECURITY_KINDS else ("", "")
        self._alike[alike] = number = self._alike.get(alike, 0) + 1
        if self._window is None:
            self._window = asyncio.get_running_loop().call_later(limits.SECURITY_WINDOW, self._end_window)
        return number <= limits.SECURITY_ALIKE

    def _end_window(self) -> None:
        """Tell how many lines were left out, and count anew."""
        alike, self._alike = self._alike, {}
        if self._window is not None:
            self._window.cancel()
            self._window = None
        for (address, result), number in alike.items():
            if number > limits.SECURITY_ALIKE:
                more = number - limits.SECURITY_ALIKE
                self._add(Entry(timestamp(now()), "left_out", address=address, result=result, count=more))

    def _add(self, entry: Entry) -> None:
        self.recent.append(entry)
        self.written += 1
        if self._file is None:
            return
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._write)
        self._waiting.append(msgspec.json.encode(entry) + b"\n")

    def _write(self) -> None:
        lines, self._waiting = self._waiting, []
        if lines and self._file is not None:
            self._file.write(b"".join(lines))


class _File(RotatedFile):
    """The file of the log. The operator is told when it can be written no more, and when it can again."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, size=limits.SECURITY_FILE_BYTES, kept=limits.SECURITY_FILES)
        self._failed = 0
        self._room = float(self.maxBytes - path.stat().st_size) if path.is_file() else math.inf  # a device stays

    def write(self, lines: bytes) -> None:
        """Write `lines` at once, past every buffer."""
        try:
            if len(lines) > self._room:
                self.doRollover()
                self._room = self.maxBytes
            if self.stream is None:
                self.stream = self._open()
            self._room -= len(lines)
            if os.write(self.stream.fileno(), lines) < len(lines):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            if not self._failed:
                logger.error("the security log cannot be written: %s", error)  # noqa: TRY400 - the operator's affair
            self._failed += 1
        else:
            if self._failed:
                logger.warning("the security log can be written again; it could not be %d times", self._failed)
            self._failed = 0


def _last_entries(path: Path) -> list[Entry]:
    """Return the last lines of the file that are entries, oldest first; of a device there are none."""
    if not path.is_file():
        return []
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - limits.SECURITY_LINES_SHOWN * _LINE))
        lines = file.read(limits.SECURITY_LINES_SHOWN * _LINE).splitlines()[-limits.SECURITY_LINES_SHOWN :]
    entries = []
    for line in lines:
        with suppress(msgspec.DecodeError):
            entries.append(msgspec.json.decode(line, type=Entry))
    return entries


def _shown(text: str) -> str:
    """Return a text of a client's choice as it is shown: in a line, not too long, every character visible."""
    text = text if len(text) <= _TEXT else f"{text[: _TEXT - 1]}…"
    return text if text.isprintable() else text.encode("unicode_escape").decode("ascii")
