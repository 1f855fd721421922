"""The check whether the database stores anything: the writer's last refusal, and a harmless write where that is old.

Whoever asks gets an answer that is a second old at most while writes are refused; a flood of questions tries once.
"""

import asyncio
import time

from quart_app.realtime import Refused
from quart_app.realtime.limits import PROBE_IDLE, PROBE_REFUSED
from quart_app.storage.connections import sql, writing
from quart_app.storage.unit_of_work import UnitOfWork
from quart_app.storage.writer import Writer
from quart_app.surroundings import now

_TOUCH = (
    "INSERT INTO log_state (name, value) VALUES ('probe', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)


class WriteCheck:
    """The check of one `writer`; it remembers when it tried last."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._tried_at = float("-inf")
        self._trying: asyncio.Task[None] | None = None

    async def complaint(self) -> str | None:
        """Return why nothing can be stored, None where it can."""
        if not self._writer.running:
            return "stopped"
        if self._is_due():
            self._trying = self._trying or asyncio.create_task(self._try(), name="write check")
            await asyncio.shield(self._trying)
        refusal = self._writer.refusal
        return None if refusal is None else f"nothing can be stored: {refusal}"

    def _is_due(self) -> bool:
        if self._trying is not None:
            return True
        known = self._tried_at if self._writer.refusal else self._writer.stored_at
        return time.monotonic() - known > (PROBE_REFUSED if self._writer.refusal else PROBE_IDLE)

    async def _try(self) -> None:
        try:
            await self._writer.commit(_touch)
        except Refused:
            pass  # the writer remembers why; where too many units wait, their own outcome will tell
        except Exception as error:  # noqa: BLE001 - whatever it is, it was not stored
            self._writer.refusal = str(error)
        else:
            self._writer.has_stored()
        finally:
            self._tried_at, self._trying = time.monotonic(), None


async def _touch(_work: UnitOfWork) -> None:
    client = writing()
    await client.execute_query(sql(_TOUCH, client), [str(now())])
