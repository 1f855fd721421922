"""A person who paints: what a strategy has in hand. It speaks to a node through the real client."""

import asyncio
from collections.abc import AsyncIterator
from random import Random
from typing import Any, NamedTuple

from quart_app.client import ClientError
from quart_app.lab.lessons.ordering.board import CARD, PEOPLE, TOPICS, skew_of, told
from quart_app.lab.world.world import World


class Card(NamedTuple):
    """A card: its name, who painted it, and what can be ordered by."""

    name: str
    who: str
    clock: float
    """What the clock of the one who painted it showed (s)."""
    seen: int
    """How many cards were in their column."""
    answers: str | None = None
    """The name of the card that it answers."""
    position: int = 0
    """Its place in the log, where it is stored there."""


class Person:
    """A person of a world, with a column of cards: the last one is what their board shows."""

    def __init__(self, world: World, name: str) -> None:
        self.name = name
        self.column: list[Card] = []
        self.dice: Random = world.dice.of(f"strategy/{name}")
        self._world = world
        self._keys: list[Any] = []
        self._topic = ""
        self._came: asyncio.Queue[Card] = asyncio.Queue()
        self._known: dict[str, asyncio.Event] = {}
        node = PEOPLE[name]
        self._road = world.road(name, node)
        self._road.watch = lambda item: told(world, item)
        self._client = world.client(name, list(TOPICS.values()), node=node)
        self.process = self._client.process

    async def open(self, delay: float) -> None:
        """Connect; from then on all takes `delay` s on the way to the node, and as much back."""
        await self._client.live.__aenter__()
        await self._client.live.opened()
        for weather in self._road.weather.values():
            weather.delay = delay, delay

    async def hear(self) -> None:
        """Hear of cards until the end of the run."""
        async for message in self._client.live:
            if message["type"] == CARD:
                position = int(str(message.get("id", "0")).rpartition("-")[2])
                self._came.put_nowait(Card(**message["data"])._replace(position=position))

    def paint(self, name: str, answers: str | None = None) -> None:
        """Paint a card, and send it the way that the strategy follows."""
        card = Card(name, self.name, round(self.now(), 3), len(self.column), answers)
        self._world.trace.note(self.name, "take", msg=name, clock=card.clock, re=answers)
        if self._topic == TOPICS["signals"]:
            self._came.put_nowait(card)
        if self._topic:
            self.process.spawn(self._send(card), f"send {name}")

    async def _send(self, card: Card) -> None:
        try:
            await self._client.live.send(self._topic, {"type": "paint", "card": card._asdict()})
        except ClientError as error:
            self.say(f"{card.name}: {error}")

    async def has(self, name: str) -> None:
        """Return as soon as a card is in the column."""
        await self._known.setdefault(name, asyncio.Event()).wait()

    # What a strategy may do

    async def cards(self, way: str) -> AsyncIterator[Card]:
        """Yield each card once. By way of `signals` one's own come at once, and the others' as they arrive; by way of
        the `log` all come from there, each with its position."""
        self._topic = TOPICS[way]
        while True:
            card = await self._came.get()
            if card.name not in {one.name for one in self.column}:
                yield card

    def put(self, card: Card, by: Any = 0) -> None:
        """Put a card into the column, behind all those that were put there `by` the same or less."""
        place = sum(1 for key in self._keys if key <= by)
        self._keys.insert(place, by)
        self.column.insert(place, card)
        cause = self._world.trace.last(lane=self.name, do="arrive", msg=card.name)
        if cause is None:
            cause = self._world.trace.last(lane=self.name, do="take", msg=card.name)
        self._world.trace.note(self.name, "show", msg=card.name, at=place, of=cause)
        self._known.setdefault(card.name, asyncio.Event()).set()

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        await asyncio.sleep(seconds)

    def now(self) -> float:
        """Return what this person's clock shows (s)."""
        return self._world.loop.time() + skew_of(self._world, self.name)

    def say(self, text: str) -> None:
        """Write a note into the run."""
        self._world.trace.note(self.name, "say", text=str(text)[:200])
