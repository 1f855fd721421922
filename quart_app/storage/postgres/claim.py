"""The claim to a PostgreSQL database: an advisory lock, which is held as long as a session of its own lasts.

Nodes that a backplane joins share it; a process that is alone shares it with nobody.
"""

import asyncio
import logging
from collections.abc import Collection
from contextlib import suppress
from typing import Any, Final

import asyncpg

from quart_app.storage.claim import Claim
from quart_app.storage.errors import DatabaseInUse
from quart_app.storage.postgres import settings

logger = logging.getLogger(__name__)

LOCK: Final = 0x656E7669766F
"""The number of PostgreSQL's advisory lock that a process holds as long as it has a database open."""

_SESSIONS: Final = (
    "SELECT application_name FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name LIKE $1 AND pid <> pg_backend_pid()"
)
_PATIENCE: Final = 3.0  # s in which PostgreSQL finds out that a process that held the lock is gone
_AGAIN: Final = 0.2  # s


class SessionClaim(Claim):
    """The claim to the database that `credentials` name. Where its session is lost, it is taken again; meanwhile the
    row lock of the log still keeps writers apart, and what another process has written is seen before the next write.
    """

    def __init__(self, credentials: dict[str, Any], *, shared: bool) -> None:
        self._credentials = settings.session(credentials)
        self._shared = shared
        self._connection: Any = None
        self._keeper: asyncio.Task[None] | None = None
        self._lost = asyncio.Event()
        self._taken = False

    async def acquire(self) -> None:
        if not await self._take(_PATIENCE):
            raise DatabaseInUse(
                "a process of En Vivo that is alone runs on this database; set ENVIVO_BACKPLANE_URL for that one, too"
                if self._shared
                else "another process of En Vivo runs on this database; stop that one first, or set the same "
                "ENVIVO_BACKPLANE_URL for all of them"
            )
        self._keeper = asyncio.create_task(self._keep(), name="claim to the database")

    def check(self) -> None:
        if self._taken:
            raise DatabaseInUse("another process of En Vivo has taken this database; stop one of the two")

    async def others(self) -> Collection[str]:
        """Return the names of the others that share the claim. Raise asyncpg's errors, OSError."""
        rows = await self._connection.fetch(_SESSIONS, settings.claim_of("%"))
        return {settings.node_of(row["application_name"]) for row in rows}

    async def release(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
        await self._disconnect()

    async def _take(self, patience: float) -> bool:
        """Open a session and return whether it gets the lock within `patience` seconds."""
        self._lost.clear()
        self._connection = await asyncpg.connect(**self._credentials)
        self._connection.add_termination_listener(lambda _connection: self._lost.set())
        loop = asyncio.get_running_loop()
        ends = loop.time() + patience
        lock = "pg_try_advisory_lock_shared" if self._shared else "pg_try_advisory_lock"
        while not await self._connection.fetchval(f"SELECT {lock}($1)", LOCK):
            if loop.time() > ends:
                await self._disconnect()
                return False
            await asyncio.sleep(_AGAIN)
        return True

    async def _keep(self) -> None:
        """Take the lock again whenever its session was lost."""
        while True:
            await self._lost.wait()
            with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                taken = not await self._take(0.0)
                if taken and not self._taken:
                    logger.error("another process of En Vivo has taken the database: nothing is written to it any more")
                self._taken = taken
            if self._taken or self._connection is None or self._connection.is_closed():
                self._lost.set()
                await asyncio.sleep(_AGAIN)

    async def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
