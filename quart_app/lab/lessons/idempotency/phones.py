"""The phones: each asks for one withdrawal, and presses again, with the same key, until it has the ✓."""

import asyncio
import json
from contextlib import suppress
from typing import Any

from quart_app.lab.lessons.idempotency.ledgers import Withdrawal
from quart_app.lab.lessons.idempotency.server import TOPIC
from quart_app.lab.world.loop import Place
from quart_app.lab.world.roads import Cut, Unreachable
from quart_app.lab.world.serving import Answer, Request
from quart_app.lab.world.surroundings import surroundings_of
from quart_app.lab.world.world import World
from quart_app.realtime import Identity


class Phones:
    """The phones of a world; `patience` is how long they wait for the ✓ before they press again (s)."""

    def __init__(self, world: World, patience: float) -> None:
        self.process = Place(world.loop, "phones")
        self.newest: tuple[Withdrawal, str] | None = None
        """What was asked for last, and its key."""
        self._world = world
        self._patience = patience
        self._road = world.road("phones", "server")
        self._new_key = surroundings_of("phones", world.loop, world.dice).token
        self._answered: dict[str, asyncio.Event] = {}

    async def withdraw(self, withdrawal: Withdrawal, second_tap: float | None = None) -> None:
        """Press until the ✓ is there; where `second_tap` is given, press twice at once, so much apart (s)."""
        key = self._new_key(6)
        self.newest = withdrawal, key
        answered = self._answered[withdrawal.name] = asyncio.Event()
        self._world.trace.note("phones", "take", msg=withdrawal.name, amount=withdrawal.amount)
        if second_tap is not None:
            self._world.loop.call_later(second_tap, self.press, withdrawal, key)
        while not answered.is_set():
            self.press(withdrawal, key)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._patience):
                    await answered.wait()

    def press(self, withdrawal: Withdrawal, key: str) -> None:
        """Press once."""
        self.process.spawn(self._ask(withdrawal, key))

    async def _ask(self, withdrawal: Withdrawal, key: str) -> None:
        body = {"type": "withdraw", "withdrawal": withdrawal.name, "amount": withdrawal.amount, "key": key}
        who = Identity(withdrawal.name, withdrawal.name)
        request = Request("send", who, (TOPIC,), body=json.dumps(body).encode())
        try:
            end = await self._road.connect(self.process, self._world.nodes["server"], "send")
        except (Cut, Unreachable):
            number = self._world.trace.note("phones", "send", msg=withdrawal.name, key=key)
            self._world.trace.note(self._road.name, "lose", msg=withdrawal.name, of=number)
            return
        end.put(request)
        with suppress(Cut):
            item = await end.receive()
            self._hear(withdrawal, item, end.received)
        end.close()

    def _hear(self, withdrawal: Withdrawal, item: Any, arrived: int | None) -> None:
        answered = self._answered[withdrawal.name]
        if isinstance(item, Answer) and not answered.is_set():
            answered.set()
            self._world.trace.note("phones", "done", msg=withdrawal.name, amount=withdrawal.amount, of=arrived)
