"""The simulation of reservoirs that have no devices.

The simulation is pure, and a function of time: it goes on where it was after a pause or a restart. It knows no
thresholds; its surges are large enough to cross some now and then.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import Final

from quart_app.domains.telemetry.rules import Measures, rounded

_DAY: Final = 86_400_000  # ms
_SURGE_SLOT: Final = 30 * 60_000  # ms; in each of them there may be one surge
_SURGE_LENGTH: Final = 12 * 60_000  # ms
_SURGE_CHANCE: Final = 0.5


@dataclass(frozen=True, slots=True)
class Wave:
    """How a simulated measure moves around `mean`: with the day, with the weather and with each reading.

    By `surge` at most it moves for some minutes in every hour or so (a gate is opened, something flows in).
    """

    mean: float
    day: float
    weather: float
    ripple: float
    surge: float = 0

    def at(self, seed: str, time: float) -> float:
        """Return the value at `time` (ms since the Unix epoch); another `seed` has other weather."""
        return (
            self.mean
            + self.day * math.sin(2 * math.pi * (time / _DAY - 0.4))  # the warmest hour is mid-afternoon
            + self.weather * _noise(f"{seed} weather", time / (6 * 3_600_000))
            + self.ripple * _noise(f"{seed} ripple", time / 20_000)
            + self.surge * (_surge(f"{seed} surge", time) if self.surge else 0)
        )


SIMULATED: Final = {
    "EMBALSE_01": {
        "temperature": Wave(18.5, 2.5, 1.5, 0.3, surge=10.5),
        "ph": Wave(7.2, 0.15, 0.25, 0.05, surge=-1.5),
        "conductivity": Wave(450, 15, 40, 6),
        "water_level": Wave(78, 0.5, 4, 0.2),
    },
    "EMBALSE_02": {
        "temperature": Wave(21, 3, 1.5, 0.3),
        "ph": Wave(7.6, 0.2, 0.2, 0.05),
        "conductivity": Wave(620, 20, 60, 8, surge=230),
        "water_level": Wave(64, 0.5, 5, 0.2, surge=-36),
    },
    "EMBALSE_03": {
        "temperature": Wave(16, 2, 1, 0.25, surge=-8),
        "ph": Wave(6.9, 0.15, 0.3, 0.05),
        "conductivity": Wave(310, 10, 30, 5),
        "water_level": Wave(90, 0.3, 3, 0.15, surge=6),
    },
}


def simulated(reservoir_id: str, at: int) -> Measures:
    """Return what the sensors of one of the `SIMULATED` reservoirs say at `at` (ms since the Unix epoch)."""
    waves = SIMULATED[reservoir_id]
    return rounded({name: wave.at(f"{reservoir_id} {name}", at) for name, wave in waves.items()})


def _noise(seed: str, x: float) -> float:
    """Return smooth noise from -1 to 1: a random value at each whole `x`, eased in between."""
    left = math.floor(x)
    share = x - left
    eased = share * share * (3 - 2 * share)
    return (1 - eased) * _random(seed, left) + eased * _random(seed, left + 1)


def _surge(seed: str, time: float) -> float:
    """Return how far up the surge is that goes on at `time`, from 0 to 1; 0 where none does."""
    slot, since = divmod(time, _SURGE_SLOT)
    chance, start, height = (_random(f"{seed} {part}", int(slot)) / 2 + 0.5 for part in ("chance", "start", "height"))
    share = (since - start * (_SURGE_SLOT - _SURGE_LENGTH)) / _SURGE_LENGTH
    if chance >= _SURGE_CHANCE or not 0 < share < 1:
        return 0
    return (0.6 + 0.4 * height) * math.sin(math.pi * share) ** 2


@lru_cache(maxsize=1024)  # seeding takes most of the time, and neighbours in time ask for the same
def _random(seed: str, index: int) -> float:
    return Random(f"{seed} {index}").uniform(-1, 1)  # noqa: S311 - a simulation, and repeatable on purpose
