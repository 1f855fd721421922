"""The two ledgers on the disk, and what the code of a withdrawal has in hand: one transaction on them.

They are tables of a real SQLite, which lives as long as the run. A process that dies leaves its transaction open, and
SQLite undoes it. After a commit there is no transaction any more: each change is then stored by itself, at once.
"""

import sqlite3
from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple

START: Final = 20
"""The dollars of the account when a run begins."""
SIGNS: Final = {"look": "?", "move": "$", "keep": "#", "commit": "]"}
"""How the steps are written, in the picture and in the strip; a transaction begins with BEGIN, a step that is done in
the memory of the process stands in parentheses."""
BEGIN: Final = "["

Note = Callable[..., object]
"""Notes an event: on a lane, what is done, and its particulars."""


class Withdrawal(NamedTuple):
    """A withdrawal: its name, and how many dollars it is."""

    name: str
    amount: int = 1


class Ledgers:
    """The disk: the account's money, and the keys of what was done."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        self.connection.execute("CREATE TABLE account (money INTEGER NOT NULL)")
        self.connection.execute("CREATE TABLE keys (key TEXT PRIMARY KEY)")
        self.connection.execute("INSERT INTO account VALUES (?)", [START])

    @property
    def money(self) -> int:
        """Return the account's dollars."""
        return int(self.connection.execute("SELECT money FROM account").fetchone()[0])

    def close(self) -> None:
        """Let the disk be gone."""
        self.connection.close()

    def undo(self) -> None:
        """Undo the transaction that is open, where one is."""
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")


class Db:
    """What the code of a withdrawal has in hand. `memory` is a set that lives as long as the process."""

    def __init__(self, ledgers: Ledgers, memory: set[str], pause: Callable[[], Awaitable[None]], note: Note) -> None:
        self.memory = memory
        self._ledgers = ledgers
        self._sql = ledgers.connection.execute
        self._pause = pause
        self._note = note
        self._open: list[tuple[str, dict[str, Any]]] = []
        """What the transaction has changed, and is not stored yet."""
        self.begin()

    def begin(self) -> None:
        """Begin a transaction; the first one was begun already."""
        self._sql("BEGIN")
        self._note("server", "state", value=BEGIN)

    async def look(self, key: str, where: set[str] | None = None) -> bool:
        """Tell whether a key is kept: on the disk, or in `where`."""
        await self._step("look", where)
        row = self._sql("SELECT 1 FROM keys WHERE key = ?", [key]).fetchone()
        known = key in where if where is not None else row is not None
        if known:
            self._note("server" if where is not None else "keys", "known", key=key)
        return known

    async def move(self, withdrawal: Withdrawal) -> None:
        """Take the money from the account."""
        await self._step("move")
        self._sql("UPDATE account SET money = money - ?", [withdrawal.amount])
        self._changed("money", amount=withdrawal.amount, sum=self._ledgers.money)

    async def keep(self, key: str, where: set[str] | None = None) -> None:
        """Keep a key, on the disk or in `where`; nothing happens where it is kept already."""
        await self._step("keep", where)
        if where is not None:
            where.add(key)
        elif self._sql("INSERT OR IGNORE INTO keys VALUES (?)", [key]).rowcount:
            self._changed("keys", kept=key)

    async def commit(self) -> None:
        """Store everything that the transaction has changed, and end it."""
        await self._step("commit")
        if self._ledgers.connection.in_transaction:
            self._sql("COMMIT")
        self._stored()

    def say(self, text: str) -> None:
        """Write a note into the run."""
        self._note("server", "say", text=str(text)[:200])

    def end(self) -> None:
        """End the request: what is not stored is undone."""
        if self._open:
            self._note("server", "state", value="✕")
        self._ledgers.undo()

    async def _step(self, step: str, where: set[str] | None = None) -> None:
        await self._pause()
        value = SIGNS[step] if where is None else f"({SIGNS[step]})"
        self._note("server", "state", value=value, step=step)

    def _changed(self, lane: str, **told: Any) -> None:
        self._open.append((lane, told))
        if not self._ledgers.connection.in_transaction:
            self._stored()

    def _stored(self) -> None:
        for lane, told in self._open:
            self._note(lane, "commit", **told)
        self._open.clear()
