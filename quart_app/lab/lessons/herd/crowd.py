"""The crowd: clients that are thrown out together and come back, each when its strategy says so.

They are no whole clients, of which a thousand would take too long, but what decides when one comes back: the client's
own `Backoff`, and the turns that a hub gives to those whom it sends away.
"""

import heapq
import math
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

from quart_app.client import Options
from quart_app.client.backoff import Backoff
from quart_app.lab.lessons.herd.door import Door
from quart_app.lab.world.surroundings import surroundings_of
from quart_app.lab.world.world import World
from quart_app.realtime import turns

WAY = 0.005, 0.025
"""The time that it takes a client to hear something from the server, between these (s)."""
MOST_TRIES = 300_000
"""The tries after which a run is stopped."""
NUMBERS = {int, float}


class Client:
    """What a strategy knows when it is asked how long to wait."""

    __slots__ = ("asked", "attempt", "backoff", "base", "cap", "dice", "inside", "last_wait", "way")

    def __init__(self, way: float, dice: Callable[[], float], options: Options) -> None:
        self.attempt = 0
        self.asked: float | None = None
        self.last_wait = 0.0
        self.base = options.backoff_base
        self.cap = options.backoff_cap
        self.dice = dice
        self.backoff = Backoff(options)
        self.way = way
        self.inside: float | None = -math.inf
        """Since when it is connected (s)."""


class Crowd:
    """All clients of a run, which begin inside."""

    def __init__(self, world: World, knobs: dict[str, Any], strategy: Callable[[Client], float]) -> None:
        self.door = Door(knobs["rate"], knobs["refusal"])
        self.rate: int = knobs["rate"]
        self.counted: Counter[str] = Counter()
        """What has happened since it was last told of."""
        self.tries = 0
        self.outside = 0
        self._strategy = strategy
        uniform = surroundings_of("crowd", world.loop, world.dice).uniform
        options = Options(
            backoff_base=knobs["base"],
            backoff_cap=knobs["cap"],
            surroundings=surroundings_of("strategy", world.loop, world.dice),
        )
        dice = world.dice.of("strategy").random
        self.clients = [Client(uniform(*WAY), dice, options) for _ in range(knobs["clients"])]
        self._tries: list[tuple[float, int]] = []
        self._entering: deque[tuple[float, int]] = deque()

    def fall(self, at: float, down: float, *, goodbye: bool) -> None:
        """Let the server end, for `down` s. Where it says goodbye it gives each its turn."""
        self.door.shut(at + down)
        connected = [number for number, client in enumerate(self.clients) if client.inside is not None]
        returns = turns(len(connected), down, self.rate) if goodbye else [None] * len(connected)
        for number, asked in zip(connected, returns, strict=True):
            self._thrown_out(number, at, asked)
        while self._entering:
            self._thrown_out(self._entering.popleft()[1], at, None)

    def _thrown_out(self, number: int, at: float, asked: float | None) -> None:
        client = self.clients[number]
        self.outside += client.inside is not None
        client.backoff.lived(0.0 if client.inside is None else at - client.inside)
        client.inside, client.attempt, client.asked = None, 0, asked
        heapq.heappush(self._tries, (at + client.way + self._wait(client), number))

    def _wait(self, client: Client) -> float:
        wait = self._strategy(client)
        if wait.__class__ not in NUMBERS or not 0 <= wait < math.inf:
            raise ValueError(f"a strategy returns the seconds to wait, from 0 on; this one returned {wait!r}")
        client.last_wait = wait
        return wait

    def advance(self, until: float) -> None:
        """Let happen what happens before a time."""
        tries, knock, clients = self._tries, self.door.knock, self.clients
        seen = refused = 0
        while tries and tries[0][0] < until:
            at, number = tries[0]
            seen += 1
            entry = knock(at)
            if entry is not None:
                heapq.heappop(tries)
                self._entering.append((entry, number))
                continue
            refused += 1
            client = clients[number]
            client.attempt += 1
            client.asked = None
            heapq.heapreplace(tries, (at + client.way + self._wait(client), number))
        self._count(seen, refused, until)

    def _count(self, seen: int, refused: int, until: float) -> None:
        self.tries += seen
        if until <= self.door.opens:
            self.counted["nobody"] += refused
        else:
            self.counted["tries"] += seen
            self.counted["refused"] += refused
        while self._entering and self._entering[0][0] < until:
            entry, number = self._entering.popleft()
            self.clients[number].inside = entry
            self.outside -= 1
            self.counted["in"] += 1
