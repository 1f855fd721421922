"""Leases in the database: which process does what only one may do.

They change in units of work like everything else, so whatever is stored by a lease comes before it has another term, or
is refused. Times are the database's, which all processes share.
"""

import secrets
from collections.abc import Collection, Mapping
from typing import Final

from tortoise.backends.base.client import BaseDBAsyncClient

from quart_app.realtime import Leading
from quart_app.realtime.limits import LEASE
from quart_app.storage.connections import sql, writing
from quart_app.storage.unit_of_work import Committer, UnitOfWork

_NOW: Final = {
    "postgres": "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)",
    "sqlite": "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
}
_LEASE_MS: Final = round(LEASE * 1000)
_TAKE: Final = (
    "INSERT INTO leases (name, holder, term, expires_at) VALUES (?, ?, 1, {now} + ?)"
    " ON CONFLICT (name) DO UPDATE"
    " SET holder = excluded.holder, term = leases.term + 1, expires_at = excluded.expires_at"
    " WHERE leases.expires_at < {now} OR leases.holder = excluded.holder"
)
_FIND: Final = "SELECT term FROM leases WHERE name = ? AND holder = ?"
_RENEW: Final = "UPDATE leases SET expires_at = {now} + ? WHERE holder = ?"
_HELD: Final = "SELECT name, term FROM leases WHERE holder = ?"
_RELEASE: Final = "UPDATE leases SET expires_at = 0 WHERE name = ? AND holder = ? AND term = ?"


class StoredLeases:
    """The leases of the processes on one database; this one is told from the others by a name drawn at its start."""

    def __init__(self, committer: Committer) -> None:
        self._committer = committer
        self._holder = secrets.token_hex(8)

    async def take(self, name: str) -> int | None:
        """Take a lease, and return its new term; None where another process holds it."""

        async def unit(_work: UnitOfWork) -> int | None:
            client = writing()
            await client.execute_query(_at_now(_TAKE, client), [name, self._holder, _LEASE_MS])
            _, rows = await client.execute_query(sql(_FIND, client), [name, self._holder])
            return int(rows[0]["term"]) if rows else None

        return await self._committer.commit(unit)

    async def renew(self, held: Mapping[str, int]) -> Collection[str]:
        """Renew the leases of this process, and return the names of those `held` that it still has."""

        async def unit(_work: UnitOfWork) -> set[str]:
            client = writing()
            _, rows = await client.execute_query(sql(_HELD, client), [self._holder])
            await client.execute_query(_at_now(_RENEW, client), [_LEASE_MS, self._holder])
            return {row["name"] for row in rows if held.get(row["name"]) == row["term"]}

        return await self._committer.commit(unit)

    async def release(self, name: str, term: int) -> None:
        """Give a lease up."""

        async def unit(_work: UnitOfWork) -> None:
            client = writing()
            await client.execute_query(sql(_RELEASE, client), [name, self._holder, term])

        await self._committer.commit(unit)


async def is_led(client: BaseDBAsyncClient, work: Leading) -> bool:
    """Tell whether a lease still has the term by which a piece of work is done, inside the writer's transaction."""
    _, rows = await client.execute_query(sql("SELECT term FROM leases WHERE name = ?", client), [work.name])
    return bool(rows) and int(rows[0]["term"]) == work.term


def _at_now(statement: str, client: BaseDBAsyncClient) -> str:
    return sql(statement.format(now=_NOW[client.capabilities.dialect]), client)
