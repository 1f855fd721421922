"""The time by which the age of what is kept is told: the machine's clock, as far as it can be believed.

A clock that is wrong for a minute must forget nothing. So the time that is believed follows the clock by no more than
two seconds for each second that the program has run, and by a day over a restart; it is kept in the database.
"""

import logging
from datetime import timedelta
from typing import NamedTuple

from tortoise.backends.base.client import BaseDBAsyncClient

from quart_app.realtime.limits import CLOCK_CATCHES_UP, CLOCK_JUMP, CLOCK_OVER_RESTART
from quart_app.storage.connections import reading, sql
from quart_app.surroundings import REAL, Surroundings

logger = logging.getLogger(__name__)

_KEPT = "SELECT value FROM log_state WHERE name = 'time'"
_NEWEST = "SELECT at FROM event_log ORDER BY position DESC LIMIT 1"
_KEEP = "INSERT INTO log_state (name, value) VALUES ('time', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
_KEEP_EVERY = 3_600_000  # ms that the believed time may be ahead of the one that is kept


class Present(NamedTuple):
    """The two times, in ms since the Unix epoch, between which the present lies for certain."""

    earliest: int
    latest: int


class LogTime:
    """The time of the open database; `look` is to be called now and then."""

    def __init__(self, surroundings: Surroundings = REAL) -> None:
        self._surroundings = surroundings
        self._time = surroundings.time()
        self._wall = surroundings.wall()
        self._believed: int | None = None
        self._kept = 0

    async def look(self) -> Present:
        """Return the present, and tell the operator of a clock that jumped."""
        wall, time = self._surroundings.wall(), self._surroundings.time()
        passed = round((time - self._time) * 1000)
        self._tell_jump(wall - self._wall - passed)
        if self._believed is None:
            self._believed = await self._begin(self._wall)
        self._believed = _nearer(self._believed, wall, round(passed * CLOCK_CATCHES_UP))
        self._wall, self._time = wall, time
        return Present(min(wall, self._believed), max(wall, self._believed))

    @property
    def is_due(self) -> bool:
        """Tell whether the believed time is to be kept."""
        return self._believed is not None and abs(self._believed - self._kept) >= _KEEP_EVERY

    async def keep(self, client: BaseDBAsyncClient) -> None:
        """Keep the believed time, inside the writer's transaction."""
        await client.execute_query(sql(_KEEP, client), [str(self._believed)])
        self._kept = self._believed or 0

    async def _begin(self, wall: int) -> int:
        _, rows = await reading().execute_query(_KEPT)
        if rows:
            self._kept = int(rows[0]["value"])
            believed = _nearer(self._kept, wall, round(CLOCK_OVER_RESTART * 1000))
            if believed != wall:
                logger.warning(
                    "the clock of this machine is %s %s the time that the database was used last;"
                    " what is in it is aged slowly until the two agree",
                    timedelta(milliseconds=abs(wall - self._kept)),
                    "after" if wall > self._kept else "before",
                )
            return believed
        _, rows = await reading().execute_query(_NEWEST)
        return _nearer(int(rows[0]["at"]), wall, round(CLOCK_OVER_RESTART * 1000)) if rows else wall

    @staticmethod
    def _tell_jump(jump: int) -> None:
        if abs(jump) >= CLOCK_JUMP * 1000:
            logger.warning(
                "the clock of this machine was put %s by %s, or the machine slept;"
                " what is kept is aged slowly until that is made up for",
                "forward" if jump > 0 else "back",
                timedelta(seconds=abs(jump) // 1000),
            )


def _nearer(believed: int, wall: int, most: int) -> int:
    """Return `wall`, or what is nearest to it of the times that differ from `believed` by `most`."""
    return max(believed - most, min(wall, believed + most))
