"""How far the program's own readers of the log have come, so that they go on from there after a restart or elsewhere.

It is stored in units of work like everything else, so whoever reads by a lease cannot store it once that is lost.
"""

from collections.abc import Collection, Mapping
from typing import Final

from quart_app.realtime.limits import READERS
from quart_app.storage.connections import reading, sql
from quart_app.storage.idempotency import IdempotencyKey
from quart_app.storage.unit_of_work import Append, Committer, UnitOfWork
from quart_app.wire import Cursor

_BEGIN: Final = "INSERT INTO readers (name, term, position) VALUES (?, ?, ?) ON CONFLICT (name) DO NOTHING"
_KEEP: Final = (
    "INSERT INTO readers (name, term, position) VALUES (?, ?, ?)"
    " ON CONFLICT (name) DO UPDATE SET term = excluded.term, position = excluded.position"
)
_FORGET: Final = "DELETE FROM readers WHERE name NOT IN (SELECT name FROM readers ORDER BY position DESC, name LIMIT ?)"
_FORGET_KEYS: Final = "DELETE FROM idempotency_keys WHERE scope = ? AND key < ?"
_DEEP: Final = "INSERT INTO event_depths (position, depth) VALUES (?, ?)"


class StoredReaders:
    """The places of the readers in the database."""

    def __init__(self, committer: Committer) -> None:
        self._committer = committer

    async def begin(self, names: Collection[str], place: Cursor) -> None:
        """Let those readers that are new begin after `place`. Those that stand furthest behind are forgotten where
        there are more than `limits.READERS`."""

        def unit(work: UnitOfWork) -> None:
            for name in names:
                work.add(_BEGIN, name, place.epoch, place.position)
            work.add(_FORGET, READERS)

        await self._committer.commit(Append(unit))

    async def place_of(self, name: str) -> Cursor | None:
        """Return how far a reader has come; None where it is new."""
        client = reading()
        _, rows = await client.execute_query(sql("SELECT term, position FROM readers WHERE name = ?", client), [name])
        return Cursor(rows[0]["term"], int(rows[0]["position"])) if rows else None

    async def keep(self, name: str, place: Cursor) -> None:
        """Note how far a reader has come, and forget the keys of what it did because of earlier events. Raise Refused
        (`not_leading`) where it reads by a lease that is lost."""

        def unit(work: UnitOfWork) -> None:
            work.add(_KEEP, name, place.epoch, place.position)
            work.add(_FORGET_KEYS, name, _digits(place.position))

        await self._committer.commit(Append(unit))

    async def depths(self, first: int, last: int) -> Mapping[int, int]:
        """Return how many reactions led to the events from position `first` to `last`, by position, where there are
        any."""
        client = reading()
        statement = sql("SELECT position, depth FROM event_depths WHERE position BETWEEN ? AND ?", client)
        _, rows = await client.execute_query(statement, [first, last])
        return {int(row["position"]): int(row["depth"]) for row in rows}


def key_of(name: str, place: Cursor) -> IdempotencyKey:
    """Return the key of what a reader does because of the event at `place`."""
    return IdempotencyKey(name, f"{_digits(place.position)} {place.epoch}")


def _digits(position: int) -> str:
    return f"{position:019}"


def note_depth(work: UnitOfWork, position: int, depth: int) -> None:
    """Note in a unit of work how many reactions led to the event that it records at `position`."""
    work.add(_DEEP, position, depth)
