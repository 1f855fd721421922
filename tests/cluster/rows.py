"""What a database holds at the end: the log, and those tables that can be made again from the log."""

import asyncio
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

Tables = dict[str, dict[Any, Any]]


class LogEvent(NamedTuple):
    """An event of the log; `fields` are those of the message that readers get."""

    position: int
    topic: str
    type: str
    fields: dict[str, Any]
    hidden_from: str | None = None

    @property
    def data(self) -> Any:
        return self.fields.get("data")


class TermWrite(NamedTuple):
    """The fact that a holder of a lease wrote, in its term, the event at a position."""

    lease: str
    term: int
    holder: str
    position: int


@dataclass
class Rows:
    """The rows of a database: the log, the last position that was trimmed, the tables by name and key, and what was
    written under leases."""

    log: list[LogEvent]
    floor: int = 0
    tables: Tables = field(default_factory=dict)
    terms: list[TermWrite] = field(default_factory=list)


_LOG = "SELECT position, topic, type, fields, hidden_from FROM event_log ORDER BY position"
_FLOOR = "SELECT value FROM log_state WHERE name = 'floor'"
_TABLES = {
    "accounts": "SELECT cedula, balance FROM bank_accounts",
    "movements": (
        "SELECT m.id, a.cedula, m.kind, m.amount, m.balance"
        " FROM bank_movements m JOIN bank_accounts a ON a.id = m.account_id"
    ),
    "products": "SELECT id, nombre, descripcion, precio_cents, stock, version FROM products",
    "reservations": (
        "SELECT id, version, pet_id, employee_id, starts_at, ends_at, status, notes FROM clinic_reservations"
    ),
    "messages": "SELECT id, room_id, user_id, content FROM chat_messages",
}
"""The statements whose rows are tables as the models have them: the key first."""


_NOTES = """
CREATE FUNCTION head() RETURNS bigint LANGUAGE sql AS $$
    SELECT split_part(value, ' ', 1)::bigint FROM log_state WHERE name = 'head'
$$;
CREATE TABLE lease_notes (id bigserial, lease text, term bigint, port integer, position bigint);
CREATE FUNCTION note_write() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO lease_notes (lease, term, port, position)
    SELECT name, term, inet_client_port(), head() FROM leases WHERE name = TG_ARGV[0];
    RETURN NULL;
END $$;
CREATE FUNCTION note_taken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO lease_notes (lease, term, port, position)
    VALUES (NEW.name, NEW.term, inet_client_port(), head());
    RETURN NULL;
END $$;
CREATE TRIGGER note_write AFTER INSERT ON readings FOR EACH STATEMENT EXECUTE FUNCTION note_write('feed sensors');
CREATE TRIGGER note_taken AFTER INSERT OR UPDATE OF term ON leases FOR EACH ROW EXECUTE FUNCTION note_taken();
"""
"""Who takes a lease, and who writes what only the holder of one may write, each in the term that is the lease's then:
somebody else than who has taken it is a second holder."""
_TERMS = "SELECT lease, term, port, position FROM lease_notes ORDER BY id"


async def note_leases(database_url: str) -> None:
    """Let a PostgreSQL database note from now on who takes leases, and who writes by them."""
    import asyncpg

    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(_NOTES)
    finally:
        await connection.close()


async def read_rows(database_url: str, writers: Mapping[int, int] | None = None) -> Rows:
    """Return the rows of a database at rest. `writers` tells which node wrote from which port, where leases were
    noted."""
    statements = [_LOG, _FLOOR, *_TABLES.values()]
    terms: list[Any] = []
    scheme, _, rest = database_url.partition("://")
    if scheme == "sqlite":
        log, floor, *tables = await asyncio.to_thread(_of_sqlite, rest, statements)
    else:
        log, floor, *tables = await _of_postgres(database_url, statements)
        if writers:
            (noted,) = await _of_postgres(database_url, [_TERMS])
            terms = [TermWrite(lease, term, f"node {writers[port]}", at) for lease, term, port, at in noted]
    events = [LogEvent(at, topic, type, msgspec.json.decode(fields), hidden) for at, topic, type, fields, hidden in log]
    named = {name: _by_key(rows) for name, rows in zip(_TABLES, tables, strict=True)}
    return Rows(events, int(floor[0][0]), named, terms)


def _by_key(rows: Iterable[Sequence[Any]]) -> dict[Any, tuple[Any, ...]]:
    return {row[0]: tuple(row[1:]) for row in rows}


def _of_sqlite(file: str, statements: Sequence[str]) -> list[list[Any]]:
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    try:
        return [connection.execute(statement).fetchall() for statement in statements]
    finally:
        connection.close()


async def _of_postgres(url: str, statements: Sequence[str]) -> list[list[Any]]:
    import asyncpg

    connection = await asyncpg.connect(url)
    try:
        return [await connection.fetch(statement) for statement in statements]
    finally:
        await connection.close()
