"""What the server gets to pass on: what is said in a chat, a thermometer's readings, and the pictures of a camera."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator
from typing import Any, Final, NamedTuple

from quart_app.lab.world.world import World

CHAT, TERM, CAM = "chat", "term", "cam"
KINDS: Final = (CHAT, TERM, CAM)
SMALL: Final = 200
"""The size of what is said and of a reading (bytes)."""


class Item(NamedTuple):
    """One thing to pass on, as it goes over the wire in `text`."""

    kind: str
    number: int
    body: str

    @property
    def text(self) -> str:
        """What is sent."""
        return json.dumps({"type": self.kind, "data": {"number": self.number, "body": self.body}})


def gap(lost: int) -> Item:
    """Return what tells a reader that so many things are lost to it."""
    return Item("gap", lost, "")


def named(message: dict[str, Any]) -> dict[str, Any] | None:
    """Return the name of a thing that comes over the wire, None where it is something else."""
    kind = message.get("type")
    if kind not in KINDS:
        return None
    return {"msg": f"{kind}{message['data']['number']}", "kind": kind, "pos": message["data"]["number"]}


def told(item: Any) -> dict[str, Any] | None:
    """Return what a run tells of something that is sent."""
    message = json.loads(item) if isinstance(item, str | bytes) and item[:1] in {"{", b"{"} else {}
    name = named(message)
    return None if name is None else {"do": "push", "msg": name["msg"]}


class Feed:
    """What comes in, `rate` things a second, chat, thermometer and camera by turns; it waits until it is taken."""

    def __init__(self, world: World, rate: float, picture: int) -> None:
        self._world = world
        self._rate = rate
        self._picture = picture
        self._here: deque[Item] = deque()
        self._came = asyncio.Event()

    async def run(self, begin: float, end: float) -> None:
        """Let things come in from a time until another (s)."""
        for count in range(round((end - begin) * self._rate)):
            await asyncio.sleep(begin + count / self._rate - self._world.loop.time())
            kind, number = KINDS[count % len(KINDS)], count // len(KINDS) + 1
            latest = True if kind == TERM else None
            self._world.trace.note("server", "take", msg=f"{kind}{number}", kind=kind, pos=number, latest=latest)
            self._here.append(Item(kind, number, "x" * (self._picture if kind == CAM else SMALL)))
            self._came.set()

    async def items(self) -> AsyncIterator[Item]:
        """Yield what comes in."""
        while True:
            while self._here:
                yield self._here.popleft()
            self._came.clear()
            await self._came.wait()
