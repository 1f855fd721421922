"""The bank as the code of a strategy has it in hand: its log, its mailbox, and the place up to which that was read."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import closing
from random import Random
from typing import Any, NamedTuple

import msgspec

from quart_app.lab.lessons.replay.mailbox import Mailbox
from quart_app.lab.strategies import Play
from quart_app.lab.world.node import Node
from quart_app.lab.world.world import World
from quart_app.lab.world.writer import Writer
from quart_app.realtime import Channel, Event, Hub

TOPIC = "bank/account"
READER = f"on {TOPIC} mail"
"""The name under which a reaction's place is kept, as the program names its own."""


class Movement(NamedTuple):
    """A movement of the account: its position in the log, and its dollars."""

    position: int
    amount: int


class Rewind(NamedTuple):
    """A look back at the account as it was at position `until`; in a "what if", with another amount at `changed`."""

    until: int
    changed: int | None = None
    instead: int | None = None


class Bench:
    """What outlives the processes of the bank: the code that they run, the mailbox, and the places of readers.

    `failed` is done where that code has raised something.
    """

    def __init__(self, world: World, strategy: Play) -> None:
        self.strategy = strategy
        self.mailbox = Mailbox(world)
        self.places: dict[str, int] = {}
        self.failed: asyncio.Future[None] = world.loop.create_future()


class Bank:
    """What the code of a strategy has in hand."""

    def __init__(self, world: World, rewind: Rewind | None = None) -> None:
        hub = world.nodes["bank"].hub
        assert hub is not None  # noqa: S101 - its process has begun
        self.dice: Random = world.dice.of("strategy")
        self._hub = hub
        self._world = world
        self._bench: Bench = world.kept["bench"]
        self._rewind = rewind

    @property
    def head(self) -> int:
        """Return the position of the newest movement."""
        return self._hub.position

    @property
    def balance(self) -> int:
        """Return the account's dollars as they are now, as its row has them."""
        return sum(data["amount"] for data in self._world.database.log.record)

    async def events(self, since: int, until: int | None = None) -> AsyncIterator[Movement]:
        """Yield the movements that follow position `since`: up to `until`, or for ever where that is None."""
        if until is not None and since >= until:
            return
        with closing(self._hub.follow(TOPIC, since)) as subscription:
            while (batch := await subscription.read()) is not None:
                for event in batch.messages:
                    if isinstance(event, Event) and event.position is not None:
                        yield self._movement(event.position, msgspec.json.decode(event.json))
                        if event.position == until:
                            return

    def _movement(self, position: int, message: dict[str, Any]) -> Movement:
        if self._rewind is not None and self._rewind.changed == position and self._rewind.instead is not None:
            return Movement(position, self._rewind.instead)
        return Movement(position, message["data"]["amount"])

    async def mail(self, movement: Movement, key: object = None) -> None:
        """Send the account's owner an e-mail about a movement; under a `key` that was used it is not delivered again.
        Return when the provider has it."""
        until = None if self._rewind is None else self._rewind.until
        cause = self._world.trace.last(lane="bank", do="commit", pos=movement.position)
        about = {"msg": f"m{movement.position}", "of": cause, "until": until}
        letter = about | {"key": None if key is None else str(key)}
        node = self._world.nodes["bank"]
        assert node.process is not None  # noqa: S101 - it is what sends
        end = await self._world.road("bank", "mailbox").connect(node.process, self._bench.mailbox, "mail")
        end.put(letter)
        await end.receive()

    async def place(self) -> int:
        """Return the position up to which the reaction has come, 0 where it is new."""
        await self._world.database.way()
        place = self._bench.places.get(READER, 0)
        await self._world.database.way()
        return place

    async def keep(self, position: int) -> None:
        """Keep the position up to which the reaction has come."""
        await self._world.database.way()
        self._bench.places[READER] = position
        self._world.trace.note("place", "state", value=position)
        await self._world.database.way()

    def show(self, balance: int) -> None:
        """Show the balance that was asked for."""
        if self._rewind is not None:
            asked = self._world.trace.last(lane="film", do="state", until=self._rewind.until)
            self._world.trace.note("film", "show", value=balance, **told(self._rewind), of=asked)

    def now(self) -> float:
        """Return the seconds since the run has begun."""
        return self._world.loop.time()

    def say(self, text: str) -> None:
        """Write a note into the run."""
        self._world.trace.note("bank", "say", text=str(text)[:200])


def told(rewind: Rewind) -> dict[str, Any]:
    """Return what a run tells of a look back."""
    return {name: value for name, value in rewind._asdict().items() if value is not None}


def furnish(world: World, node: Node, hub: Hub) -> None:
    """Give the bank's engine its topic."""
    node.writer = Writer(world.database, hub)
    hub.channels.add("bank/*", Channel())
