"""The leases as the database of the world keeps them: what the statements of `storage.leases` do, in other words."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass

from quart_app.realtime import Leading, limits


@dataclass
class Row:
    """A lease: who holds it in which term, and until when (s of the database's clock)."""

    holder: str
    term: int
    expires_at: float


class LeaseTable:
    """All leases, by name."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}

    @property
    def _ends(self) -> float:
        return asyncio.get_running_loop().time() + limits.LEASE

    def take(self, name: str, holder: str) -> int | None:
        """Take a lease in a new term, and return that; None where another one holds it."""
        row = self.rows.get(name)
        if row is not None and row.holder != holder and row.expires_at >= asyncio.get_running_loop().time():
            return None
        row = self.rows[name] = Row(holder, 1 if row is None else row.term + 1, self._ends)
        return row.term

    def renew(self, holder: str, held: Mapping[str, int]) -> Collection[str]:
        """Renew the leases of a holder, and return the names of those `held` that it still has."""
        own = {name: row for name, row in self.rows.items() if row.holder == holder}
        for row in own.values():
            row.expires_at = self._ends
        return [name for name, row in own.items() if held.get(name) == row.term]

    def release(self, name: str, holder: str, term: int) -> None:
        """Let a lease be over."""
        row = self.rows.get(name)
        if row is not None and (row.holder, row.term) == (holder, term):
            row.expires_at = 0.0

    def is_led(self, work: Leading) -> bool:
        """Tell whether a lease still has the term by which a piece of work is done."""
        row = self.rows.get(work.name)
        return row is not None and row.term == work.term


class Keeper:
    """The `realtime` LeaseKeeper of a process, `holder`; `way()` takes the time of one way to the database."""

    def __init__(self, table: LeaseTable, holder: str, way: Callable[[], Awaitable[None]]) -> None:
        self._table = table
        self._holder = holder
        self._way = way

    async def take(self, name: str) -> int | None:
        await self._way()
        term = self._table.take(name, self._holder)
        await self._way()
        return term

    async def renew(self, held: Mapping[str, int]) -> Collection[str]:
        await self._way()
        kept = self._table.renew(self._holder, held)
        await self._way()
        return kept

    async def release(self, name: str, term: int) -> None:
        await self._way()
        self._table.release(name, self._holder, term)
        await self._way()
