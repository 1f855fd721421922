"""What a new database shows: a day of the simulated reservoirs, and a device that somebody should look after.

The readings go the way of all readings, so the alerts are those that ordinary use would have raised.
"""

import math
from collections.abc import Iterator
from typing import Final

from quart_app.domains.telemetry.rules import rounded
from quart_app.domains.telemetry.service import NewReading, Telemetry
from quart_app.domains.telemetry.simulation import SIMULATED, simulated
from quart_app.storage.unit_of_work import UnitOfWork
from quart_app.surroundings import now

_DAY: Final = 24 * 3_600_000  # ms
_STEP: Final = 10 * 60_000  # ms

_DEVICE: Final = "POZA_HONDA"
_SILENT: Final = (9 * _STEP, _STEP)  # the device's silence began and ended so many ms ago


class Examples:
    """The unit of work for a database in which nothing has ever happened."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry

    async def __call__(self, work: UnitOfWork) -> None:
        """Store the day that ends now, a reading every 10 minutes."""
        end = now()
        readings = [reading for at in range(end - _DAY, end + 1, _STEP) for reading in _readings(at, end - at)]
        await self._telemetry.take(work, readings)


def _readings(at: int, ago: int) -> Iterator[NewReading]:
    for reservoir_id in SIMULATED:
        yield NewReading(reservoir_id, simulated(reservoir_id, at), at)
    if not _SILENT[1] < ago < _SILENT[0]:
        yield NewReading(_DEVICE, _drying_up(ago), at)


def _drying_up(ago: int) -> dict[str, float]:
    """Return the measures of a reservoir that empties over the day: warmer, saltier, and critical in the end."""
    spent = 1 - ago / _DAY
    wobble = math.sin(ago / 2_900_000)
    return rounded(
        {
            "temperature": 23.4 + 2.1 * math.sin(2 * math.pi * (spent - 0.3)) + 0.2 * wobble,
            "ph": 7.4 + 0.3 * spent + 0.04 * wobble,
            "conductivity": 540 + 225 * spent**2 + 6 * wobble,
            "water_level": 46 - 23 * spent + 0.3 * wobble,
        }
    )
