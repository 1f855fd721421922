"""A till: what a strategy has in hand. It speaks to the bank over one WebSocket, which it opens again when it is gone.

It is as simple as a first program would be: it keeps nothing, repeats nothing, and only listens for the ✓.
"""

import asyncio
import json
from random import Random
from typing import Any, NamedTuple

from quart_app.lab.world.loop import Place
from quart_app.lab.world.roads import Cut, End, Unreachable
from quart_app.lab.world.serving import Request
from quart_app.lab.world.surroundings import surroundings_of
from quart_app.lab.world.world import World
from quart_app.realtime import Identity

TOPIC = "bank/payments"
AGAIN = 0.1
"""The time after which the till tries again to reach a bank that is not there (s)."""


class Payment(NamedTuple):
    """A payment: its name, and how many dollars it is."""

    name: str
    amount: int = 1


class Till:
    """The till of a world; `patience` is how long one should wait for a ✓ (s)."""

    def __init__(self, world: World, patience: float) -> None:
        self.patience = patience
        self.dice: Random = world.dice.of("strategy")
        self.process = Place(world.loop, "till")
        self._world = world
        self._road = world.road("till", "bank")
        self._surroundings = surroundings_of("till", world.loop, world.dice)
        self._end: End | None = None
        self._waiting: dict[str, asyncio.Future[None]] = {}

    async def open(self) -> None:
        """Open the line, and keep it open in the background."""
        await self._dial()
        self.process.spawn(self._listen(), "listen")

    async def _dial(self) -> None:
        while True:
            try:
                end = await self._road.connect(self.process, self._world.nodes["bank"], "ws")
            except (Cut, Unreachable):
                await asyncio.sleep(AGAIN)
            else:
                end.put(Request("ws", Identity("till", "till"), (TOPIC,)))
                self._end = end
                self._world.trace.note("till", "open")
                return

    async def _listen(self) -> None:
        while True:
            try:
                assert self._end is not None  # noqa: S101 - the line was opened
                self._hear(await self._end.receive())
            except Cut:
                await self._dial()

    def _hear(self, item: Any) -> None:
        message = json.loads(item) if isinstance(item, bytes) else {}
        if message.get("type") == "booked":
            waiting = self._waiting.get(message.get("key") or message["data"]["payment"])
            if waiting is not None and not waiting.done():
                waiting.set_result(None)

    # What a strategy may do

    async def send(self, payment: Payment, key: str | None = None, wait: float | None = None) -> bool:
        """Send a payment; return whether the bank's ✓ came within `wait` seconds. Without `wait`, do not wait."""
        body = {"type": "pay", "payment": payment.name, "amount": payment.amount, "topic": TOPIC}
        text = json.dumps(body if key is None else body | {"key": key})
        if self._end is None or self._end.closed:
            number = self._world.trace.note("till", "send", msg=payment.name, key=key)
            self._world.trace.note(self._road.name, "lose", msg=payment.name, of=number, by=self._road.cut_by)
        else:
            self._end.put(text, len(text))
        return wait is not None and await self._answered(key or payment.name, wait)

    async def _answered(self, name: str, wait: float) -> bool:
        answered = self._waiting[name] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(wait):
                await answered
        except TimeoutError:
            return False
        return True

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        await asyncio.sleep(seconds)

    def now(self) -> float:
        """Return the seconds since the run has begun."""
        return self._world.loop.time()

    def new_key(self) -> str:
        """Return a key that nobody else has."""
        return self._surroundings.token(9)

    def say(self, text: str) -> None:
        """Write a note into the run."""
        self._world.trace.note("till", "say", text=str(text)[:200])
