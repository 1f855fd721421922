"""The event log in the database: the engine's `EventLog`, and the SQL that appends to it and trims it.

Positions are the rows' numbers, assigned by the writer. Reading is a few statements of SQL, each
one snapshot, because it is what every client that comes back waits for.
"""

import secrets
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any, Self

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.connection import get_connection

from quart_app.realtime import Event, Term, Terms, Trimmed
from quart_app.realtime.limits import LARGEST_ID, TERMS
from quart_app.storage.connections import EPOCH_BYTES, WRITER, reading, sql
from quart_app.wire import Cursor

_COLUMNS = "position, topic, type, fields, at, hidden_from"
# One statement is one snapshot: the floor belongs to the very state the events were read from. It
# is lower than every position, so the ordering puts it first.
_WITH_FLOOR = (
    " UNION ALL SELECT CAST(value AS BIGINT), NULL, NULL, NULL, NULL, NULL"
    " FROM log_state WHERE name = 'floor' ORDER BY position"
)
_NEWEST = (
    f"SELECT * FROM (SELECT {_COLUMNS} FROM event_log WHERE topic = ? AND position <= ?"  # noqa: S608 - its own names
    f" ORDER BY position DESC LIMIT ?) AS events{_WITH_FLOOR}"
)
# Each term, and beside it the newest position, which is that of a trimmed event if no other is left.
_TERMS = (
    "SELECT name, after, coalesce((SELECT max(position) FROM event_log),"
    " (SELECT CAST(value AS BIGINT) FROM log_state WHERE name = 'floor')) AS head FROM log_terms ORDER BY id"
)
# This is one look-up per topic, where GROUP BY would read the whole index.
_HEADS = (
    "WITH RECURSIVE topics(topic) AS (SELECT min(topic) FROM event_log WHERE topic > ? UNION ALL"
    " SELECT (SELECT min(event_log.topic) FROM event_log WHERE event_log.topic > topics.topic)"
    " FROM topics WHERE topics.topic IS NOT NULL)"
    " SELECT topic, (SELECT max(position) FROM event_log WHERE event_log.topic = topics.topic) AS head"
    " FROM topics WHERE topic IS NOT NULL LIMIT ?"
)

_ROW_BYTES = 40  # about what a row takes beside its texts, the topic of which stands in the index too
_STRETCH = 100  # positions


class TortoiseEventLog:
    """The log of the database that is open in this process, where it begins a term with its first event."""

    def __init__(self, own_term: str, *, shared: bool) -> None:
        self._own_term = own_term
        self._shared = shared
        self.terms: Terms
        self.known_head = 0
        """The head as of this process's last look; only another process can have moved it since."""

    @classmethod
    async def load(cls) -> Self:
        """Return the log of the open database. A new one gets its first term now."""
        client = get_connection(WRITER)
        own = secrets.token_hex(EPOCH_BYTES)
        await client.execute_query("INSERT INTO log_state (name, value) VALUES ('floor', '0') ON CONFLICT DO NOTHING")
        first = "INSERT INTO log_terms (name, after) SELECT ?, 0 WHERE NOT EXISTS (SELECT 1 FROM log_terms)"
        await client.execute_query(sql(first, client), [own])
        log = cls(own, shared=client.capabilities.dialect != "sqlite")
        await log.look(client)
        return log

    async def look(self, client: BaseDBAsyncClient) -> None:
        """Take in where the log ends and which terms it has, as `client` sees it."""
        _, rows = await client.execute_query(_TERMS)
        known = [Term(row["name"], int(row["after"])) for row in rows]
        begun = any(term.name == self._own_term for term in known)
        self.terms = Terms(known, None if begun else self._own_term)
        self.known_head = max(self.known_head, int(rows[0]["head"]))

    def cursor(self, position: int) -> Cursor:
        """Return the cursor of `position`, which is not ahead of this log."""
        return self.terms.cursor(position)

    async def refusal(self, cursor: Cursor) -> str | None:
        """Return why reading cannot go on after `cursor`, None where it can; `EventLog` tells the reasons."""
        floor, head = await self.floor(), await self.head()
        return self.terms.refusal(cursor, floor=floor, head=head)

    async def head(self) -> int:
        """Return the position of the newest committed event, 0 in a log that never had one."""
        if self._shared:
            await self.look(reading())
        return self.known_head

    async def floor(self) -> int:
        """Return the last position that was trimmed, 0 when none was."""
        _, rows = await reading().execute_query("SELECT value FROM log_state WHERE name = 'floor'")
        return int(rows[0]["value"])

    async def read(self, topics: Collection[str] | None, after: int, until: int, limit: int) -> Sequence[Event]:
        """Return the first `limit` events of `topics` (None: of all) with `after` < position ≤ `until`, by position.

        Raise Trimmed where `after` is below the floor, decided atomically with the reading.
        """
        client = reading()
        if topics is None:
            values: list[Any] = [after, until, limit]
        else:
            values = [value for topic in topics for value in (topic, after, until, limit)] + [limit]
        statement = _select(None if topics is None else len(topics))
        _, rows = await client.execute_query(sql(statement, client), values)
        floor = rows[0][0]
        if after < floor:
            raise Trimmed(floor)
        return [self._event(row) for row in rows[1:]]

    async def newest(self, topic: str, until: int, limit: int) -> tuple[Sequence[Event], int]:
        """Return the last `limit` events of `topic` with a position ≤ `until`, by position; and the position above
        which these are all there are."""
        client = reading()
        _, rows = await client.execute_query(sql(_NEWEST, client), [topic, until, limit])
        floor, events = rows[0][0], [self._event(row) for row in rows[1:]]
        return events, floor if len(events) < limit else events[0].position - 1

    async def heads(self, after: str, limit: int) -> dict[str, int]:
        """Return the newest retained position of each of the first `limit` topics whose names come after `after`."""
        client = reading()
        _, rows = await client.execute_query(sql(_HEADS, client), [after, limit])
        return {row["topic"]: int(row["head"]) for row in rows}

    def _event(self, row: Any) -> Event:
        position, topic, type_, fields, at, hidden_from = row
        epoch = self.terms.cursor(position).epoch
        return Event(topic, type_, fields.encode(), at, epoch=epoch, position=position, hidden_from=hidden_from)


@lru_cache(maxsize=128)
def _select(topics: int | None) -> str:
    """Return the SELECT for that many topics: each one's next positions by its index, then the rows of the first."""
    # Every name in these statements is this module's own.
    if topics is None:
        rows = f"SELECT {_COLUMNS} FROM event_log WHERE position > ? AND position <= ? ORDER BY position LIMIT ?"  # noqa: S608
        return f"SELECT * FROM ({rows}) AS events{_WITH_FLOOR}"  # noqa: S608
    of_topic = (
        "SELECT position FROM (SELECT position FROM event_log"
        " WHERE topic = ? AND position > ? AND position <= ? ORDER BY position LIMIT ?) AS one"
    )
    chosen = " UNION ALL ".join([of_topic] * topics) or "SELECT position FROM event_log WHERE 0 = 1"
    first = f"SELECT position FROM ({chosen}) AS chosen ORDER BY position LIMIT ?"  # noqa: S608
    return f"SELECT {_COLUMNS} FROM event_log WHERE position IN ({first}){_WITH_FLOOR}"  # noqa: S608


async def append(client: BaseDBAsyncClient, events: Sequence[Event], term: str | None) -> None:
    """Insert `events`, which have their positions, inside the writer's transaction; they begin `term` unless None."""
    if not events:
        return
    if term is not None:
        begin = "INSERT INTO log_terms (name, after) VALUES (?, ?)"
        await client.execute_query(sql(begin, client), [term, events[0].position - 1])
        await client.execute_query(
            sql("DELETE FROM log_terms WHERE id <= (SELECT max(id) FROM log_terms) - ?", client), [TERMS]
        )
    statement = f"INSERT INTO event_log ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)"  # noqa: S608
    await client.execute_many(
        sql(statement, client),
        [[e.position, e.topic, e.type, e.fields.decode(), e.at, e.hidden_from] for e in events],
    )


async def sizes(client: BaseDBAsyncClient, after: int, until: int) -> list[tuple[int, int]]:
    """Return about the bytes that the events with `after` < position ≤ `until` take, in stretches of a hundred
    positions: of each the last position and the size."""
    length = "length(CAST(fields AS BLOB))" if client.capabilities.dialect == "sqlite" else "octet_length(fields)"
    statement = (
        f"SELECT max(position), sum({length} + 2 * length(topic) + length(type) + {_ROW_BYTES}) FROM event_log"  # noqa: S608 - its own names
        f" WHERE position > ? AND position <= ? GROUP BY position / {_STRETCH} ORDER BY 1"
    )
    _, rows = await client.execute_query(sql(statement, client), [after, until])
    return [(int(row[0]), int(row[1])) for row in rows]


async def trim(client: BaseDBAsyncClient, upto: int, before: int, limit: int, *, latest: int = LARGEST_ID) -> int:
    """Remove the oldest events and raise the floor, inside the writer's transaction; return how many went.

    An event goes that is at or below position `upto` or from before `before` (ms since the Unix
    epoch), as long as every older one goes too; `limit` events go at most. An event whose time is
    after `latest` holds nothing up: it was written by a clock that was wrong.
    """
    _, rows = await client.execute_query(
        sql("SELECT position, at FROM event_log ORDER BY position LIMIT ?", client), [limit]
    )
    old = 0
    for number, row in enumerate(rows, 1):
        if row["position"] <= upto or row["at"] < before:
            old = number
        elif row["at"] <= latest:
            break
    if old:
        floor = rows[old - 1]["position"]
        await client.execute_query(sql("DELETE FROM event_log WHERE position <= ?", client), [floor])
        await client.execute_query(sql("UPDATE log_state SET value = ? WHERE name = 'floor'", client), [str(floor)])
        # Terms without any event left are removed, all but the last: its end is the floor, which still has a cursor.
        ended = "DELETE FROM log_terms WHERE id < (SELECT max(id) FROM log_terms WHERE after < ?)"
        await client.execute_query(sql(ended, client), [floor])
    return old
