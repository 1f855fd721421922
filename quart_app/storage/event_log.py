"""The event log in the database: the engine's `EventLog`, and the SQL that appends to it and trims it.

Positions are the rows' numbers, assigned by the writer. Reading is a few statements of SQL, each
one snapshot, because it is what every client that comes back waits for.
"""

import logging
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any, Self

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.connection import get_connection
from tortoise.transactions import in_transaction

from quart_app.realtime import Event, Term, Terms, Trimmed
from quart_app.realtime.limits import LARGEST_ID, TERMS
from quart_app.storage import idempotency
from quart_app.storage.connections import EPOCH_BYTES, WRITER, reading, sql
from quart_app.storage.idempotency import Answer, IdempotencyKey
from quart_app.storage.together import Together
from quart_app.wire import Cursor

logger = logging.getLogger(__name__)

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
# PostgreSQL's writers take turns by the lock of this row, which has the position of the newest event and the name of
# its term: who waits for the lock gets the row as it is then, where a sub-select would look at what was before.
_LOCK = "SELECT value, pg_current_xact_id()::text FROM log_state WHERE name = 'head' FOR UPDATE"
_MAKE_LOCKED = "INSERT INTO log_state (name, value) VALUES ('head', ?) ON CONFLICT DO NOTHING"
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(x'656E76696F67'::bigint)"  # of those who begin with the log
_STATUS = "SELECT pg_xact_status($1::text::xid8)"
_STORED = f"SELECT {_COLUMNS} FROM event_log WHERE position BETWEEN ? AND ? ORDER BY position LIMIT ?"  # noqa: S608
# PostgreSQL plans a statement of a hundred sub-selects for as long as it runs.
_OF_TOPICS_AT_ONCE = (
    f"SELECT {_COLUMNS} FROM event_log WHERE position IN ("  # noqa: S608 - its own names
    "SELECT one.position FROM unnest($1::text[]) AS wanted (topic) CROSS JOIN LATERAL (SELECT position FROM event_log"
    " WHERE event_log.topic = wanted.topic AND position > $2 AND position <= $3 ORDER BY position LIMIT $4) AS one"
    f" ORDER BY one.position LIMIT $4){_WITH_FLOOR}"
)
_APPEND = f"INSERT INTO event_log ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)"  # noqa: S608 - its own names
_KEEP_ANSWERS = f"INSERT INTO idempotency_keys ({idempotency.COLUMNS}) VALUES (?, ?, ?, ?, ?)"  # noqa: S608
_BEGIN_TERM = "INSERT INTO log_terms (name, after) VALUES (?, ?)"
_FORGET_TERMS = "DELETE FROM log_terms WHERE id <= (SELECT max(id) FROM log_terms) - ?"
# All of `_APPEND`, `_KEEP_ANSWERS` and `_BEGIN_TERM` in one trip, and the head.
_APPEND_AT_ONCE = (
    "WITH moved AS (UPDATE log_state SET value = $1 WHERE name = 'head'),"  # noqa: S608 - its own names
    " begun AS (INSERT INTO log_terms (name, after) SELECT $2::text, $3::bigint WHERE $2::text IS NOT NULL),"
    f" kept AS (INSERT INTO idempotency_keys ({idempotency.COLUMNS})"
    "  SELECT * FROM unnest($4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[]))"
    f" INSERT INTO event_log ({_COLUMNS})"
    " SELECT * FROM unnest($9::bigint[], $10::text[], $11::text[], $12::text[], $13::bigint[], $14::text[])"
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
    """The log of the database that is open in this process, where it begins a term with its first event. Other
    processes append to it, too, where it is `shared`."""

    def __init__(self, own_term: str, *, shared: bool) -> None:
        self._own_term = own_term
        self._shared = shared
        self.terms: Terms
        self.went_back: Callable[[int], object] = lambda position: None
        """Called with the new head where the log has lost events that this process has seen."""
        self._floor_and_head = Together(self._look_at_both)
        self._known_floor = 0
        self.known_head = 0
        """The head as far as this process knows; only another process can have moved it since."""

    @classmethod
    async def load(cls, *, shared: bool = False) -> Self:
        """Return the log of the open database. A new one gets its first term now, once, however many begin with it."""
        log = cls(secrets.token_hex(EPOCH_BYTES), shared=shared)
        client = get_connection(WRITER)
        if client.capabilities.dialect != "postgres":
            await log._begin(client)
        else:
            async with in_transaction(WRITER) as alone:
                await alone.execute_query(_ONE_AT_A_TIME)
                await log._begin(alone)
                await alone.execute_query(sql(_MAKE_LOCKED, alone), [_written(log.known_head, log.terms.newest)])
        return log

    async def _begin(self, client: BaseDBAsyncClient) -> None:
        await client.execute_query("INSERT INTO log_state (name, value) VALUES ('floor', '0') ON CONFLICT DO NOTHING")
        first = "INSERT INTO log_terms (name, after) SELECT ?, 0 WHERE NOT EXISTS (SELECT 1 FROM log_terms)"
        await client.execute_query(sql(first, client), [self._own_term])
        self._take_in(*await _terms_and_head(client))

    async def lock(self, client: BaseDBAsyncClient) -> str:
        """Keep every other process from appending until the transaction of `client` ends, and take in what they have
        appended. Return the name of the transaction, by which PostgreSQL tells later what became of it; on SQLite,
        where nobody else can append, it has none."""
        if client.capabilities.dialect != "postgres":
            return ""
        _, [(written, transaction)] = await client.execute_query(_LOCK)
        if written != _written(self.known_head, self.terms.newest):
            await self.look(client)
        return str(transaction)

    async def look(self, client: BaseDBAsyncClient) -> None:
        """Take in where the log ends and which terms it has, as `client` sees it.

        Where positions were lost which this process has seen, because a backup was restored underneath or a replica has
        taken over that had not got them, another history begins: what comes next gets a term of its own.
        """
        seen = self.terms.cursor(self.known_head)
        terms, head = await _terms_and_head(client)
        if seen.position <= head < self.known_head or self.known_head < seen.position:
            return  # meanwhile this process has seen more, or found out that something was lost
        went_back = Terms(terms).refusal(seen, floor=0, head=head) is not None
        if went_back:
            logger.error("the log ends at %d now, and has not got %s any more: a new term begins", head, seen)
            self._own_term = secrets.token_hex(EPOCH_BYTES)
        self._take_in(terms, head)
        if went_back:
            self.went_back(head)

    def _take_in(self, terms: Sequence[Term], head: int) -> None:
        begun = any(term.name == self._own_term for term in terms)
        self.terms = Terms(terms, None if begun else self._own_term)
        self.known_head = head

    async def append(
        self, client: BaseDBAsyncClient, events: Sequence[Event], given: Mapping[IdempotencyKey, Answer]
    ) -> None:
        """Insert `events`, which have their positions, and keep the answers `given` to keys that had none, inside the
        writer's transaction. The log goes on from them once `appended` says that they are committed."""
        if not events and not given:
            return
        term = self.terms.coming if events else None
        answers, rows = idempotency.rows(given), [_row(event) for event in events]
        if client.capabilities.dialect == "postgres":
            head = _written(self.known_head + len(events), self.terms.current if events else self.terms.newest)
            columns = [*_turned(answers, idempotency.COLUMNS), *_turned(rows, _COLUMNS)]
            await client.execute_query(_APPEND_AT_ONCE, [head, term, self.known_head, *columns])
        else:
            if term is not None:
                await client.execute_query(_BEGIN_TERM, [term, self.known_head])
            for statement, values in ((_APPEND, rows), (_KEEP_ANSWERS, answers)):
                if values:
                    await client.execute_many(statement, values)
        if term is not None:
            await client.execute_query(sql(_FORGET_TERMS, client), [TERMS])

    async def has_committed(self, client: BaseDBAsyncClient, transaction: str, events: Sequence[Event]) -> bool:
        """Tell whether a transaction that `lock` has named came to pass; it had these `events`. As `client` holds the
        lock, that transaction is over."""
        if not events:
            _, [(status,)] = await client.execute_query(_STATUS, [transaction])
            return bool(status == "committed")
        # A replica that has taken over may have given its name to another transaction, but never all of its events.
        _, rows = await client.execute_query(
            sql(_STORED, client), [events[0].position, events[-1].position, len(events)]
        )
        return [list(row) for row in rows] == [_row(event) for event in events]

    def appended(self, events: Sequence[Event]) -> None:
        """Note that `events` are committed. What others have committed since may have been heard of before."""
        if events:
            self.terms.begin(events[0].position - 1)
            self.seen(events[-1].position)

    def cursor(self, position: int) -> Cursor:
        """Return the cursor of `position`, which is not ahead of this log."""
        return self.terms.cursor(position)

    def goes_on(self, event: Event) -> bool:
        """Return whether an event is of the newest term that is known here; another process may have begun one."""
        return self.terms.goes_on(event)

    def seen(self, position: int) -> None:
        """Note that this process has seen the events up to `position`; another one has said that they are committed."""
        self.known_head = max(self.known_head, position)

    async def refusal(self, cursor: Cursor) -> str | None:
        """Return why reading cannot go on after `cursor`, None where it can; `EventLog` tells the reasons."""
        if self._shared:
            await self._floor_and_head()
            floor = self._known_floor
        else:
            floor = await self.floor()
        return self.terms.refusal(cursor, floor=floor, head=self.known_head)

    async def _look_at_both(self) -> None:
        self._known_floor = await self.floor()
        await self.look(reading())

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
        values: list[Any]
        positions = [after, until, limit]
        if topics is None:
            statement, values = sql(_select(None), client), positions
        elif client.capabilities.dialect == "postgres":
            statement, values = _OF_TOPICS_AT_ONCE, [list(topics), *positions]
        else:
            statement = _select(len(topics))
            values = [value for topic in topics for value in (topic, *positions)] + [limit]
        _, rows = await client.execute_query(statement, values)
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


async def _terms_and_head(client: BaseDBAsyncClient) -> tuple[list[Term], int]:
    _, rows = await client.execute_query(_TERMS)
    return [Term(row["name"], int(row["after"])) for row in rows], int(rows[0]["head"])


def _written(position: int, term: str) -> str:
    """Return the row of the head as PostgreSQL has it."""
    return f"{position} {term}"


def _row(event: Event) -> list[Any]:
    return [event.position, event.topic, event.type, event.fields.decode(), event.at, event.hidden_from]


def _turned(rows: Sequence[Sequence[Any]], columns: str) -> list[list[Any]]:
    """Return the columns of `rows`, each of which has the `columns`, and there may be none."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in columns.split(",")]


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
        await client.execute_query(sql("DELETE FROM event_depths WHERE position <= ?", client), [floor])
        await client.execute_query(sql("UPDATE log_state SET value = ? WHERE name = 'floor'", client), [str(floor)])
        # Terms without any event left are removed, all but the last: its end is the floor, which still has a cursor.
        ended = "DELETE FROM log_terms WHERE id < (SELECT max(id) FROM log_terms WHERE after < ?)"
        await client.execute_query(sql(ended, client), [floor])
    return old
