"""A reader: what a strategy has in hand. What it opens is a link of our client, over a road on which all is weighed."""

import asyncio
from collections.abc import Iterable
from random import Random
from typing import Any

from quart_app.client import Options
from quart_app.client.address import StreamRequest
from quart_app.client.links import Link
from quart_app.lab.lessons.overhead.scale import LETTER, Scale, name_of
from quart_app.lab.world.dialing import Dialer
from quart_app.lab.world.loop import Place
from quart_app.lab.world.surroundings import surroundings_of
from quart_app.lab.world.world import World
from quart_app.realtime import Identity
from quart_app.wire.sizes import POLL_WAIT

TOPIC = "log/letters"

Letters = list[dict[str, Any]]


class Way:
    """A way that is open: a link of our client."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def read(self) -> Letters:
        """Return the letters that come next, of which there may be none."""
        return [one for one in (await self._link.receive()).messages if one["type"] == LETTER]


class Reader:
    """The reader of a world."""

    def __init__(self, world: World) -> None:
        self.process = Place(world.loop, "reader")
        self.dice: Random = world.dice.of("strategy")
        self._world = world
        road = world.road("reader", "server")
        road.watch = Scale(world.trace).told
        self._dialers = {
            wait: Dialer(
                self.process,
                Identity("reader", "reader"),
                lambda: (road, world.nodes["server"]),
                Options(poll_wait=wait, poll_pause=0.0, surroundings=surroundings_of("reader", world.loop, world.dice)),
            )
            for wait in (0.0, POLL_WAIT)
        }
        self._asked: Way | None = None

    async def ask(self) -> Letters:
        """Ask what is new since the last time; return the letters, at once, be there any or not."""
        if self._asked is None:
            self._asked = await self._open("poll", 0.0)
        return await self._asked.read()

    async def open(self, rung: str) -> "Way":
        """Return a way on which letters come by themselves: `ws`, `sse` or `poll`, which is a long poll."""
        return await self._open(rung, POLL_WAIT)

    async def _open(self, rung: str, wait: float) -> "Way":
        return Way(await self._dialers[wait].open(rung, StreamRequest((TOPIC,), None, ())))

    def show(self, letters: Iterable[dict[str, Any]]) -> None:
        """Show letters."""
        for letter in letters:
            came = self._world.trace.last(lane="reader", do="arrive")
            self._world.trace.note("reader", "show", msg=name_of(letter), of=came)

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        await asyncio.sleep(seconds)

    def now(self) -> float:
        """Return the seconds since the run has begun."""
        return self._world.loop.time()

    def say(self, text: str) -> None:
        """Write a note into the run."""
        self._world.trace.note("reader", "say", text=str(text)[:200])
