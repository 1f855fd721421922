"""The server that ends, the crowd before its door, and what a run tells of both."""

from collections.abc import Callable
from typing import Any

from quart_app.lab.lessons.herd.crowd import MOST_TRIES, Client, Crowd
from quart_app.lab.world.world import World

ROAD = "crowd-door"
LEAST = 20.0
"""The time that a run lasts at least (s)."""
LATEST = 120.0
"""The time after the last fall at which a run is stopped (s)."""
COLLAPSE = 5.0
"""The time after which a door that only turns people away is taken for lost (s)."""


class Siege:
    """The server, and the crowd before its door."""

    def __init__(self, world: World, knobs: dict[str, Any], strategy: Callable[[Client], float]) -> None:
        self.world, self.down = world, knobs["down"]
        self.crowd = Crowd(world, knobs, strategy)
        self.fell = 0.0

    def fall(self, *, goodbye: bool) -> None:
        """End the server; another one is there `down` s later."""
        self.fell = self.world.loop.time()
        self.tell(self.fell)
        self.crowd.fall(self.fell, self.down, goodbye=goodbye)
        told = {"goodbye": goodbye, "clients": len(self.crowd.clients), "rate": self.crowd.rate}
        self.world.trace.note(ROAD, "crash", **told)
        self.world.loop.call_at(self.crowd.door.opens, self._boot, self.crowd.door.opens)

    def _boot(self, opens: float) -> None:
        if opens == self.crowd.door.opens:
            self.crowd.advance(opens)
            self.world.trace.note(ROAD, "boot")

    def tell(self, now: float) -> None:
        """Tell what has happened since it was last told of, where anything has."""
        self.crowd.advance(now)
        counted = {name: number for name, number in self.crowd.counted.items() if number}
        self.crowd.counted.clear()
        if counted:
            self.world.trace.note(ROAD, "tries", **counted)

    def over(self, now: float) -> str | None:
        """Return why a run ends now, None where it goes on."""
        if self.crowd.tries >= MOST_TRIES:
            return "tries"
        if self.crowd.door.busy_in_vain(now) > COLLAPSE:
            return "collapse"
        if now - self.fell > LATEST or (now >= LEAST and not self.crowd.outside):
            return "late" if self.crowd.outside else "quiet"
        return None
