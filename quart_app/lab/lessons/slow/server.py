"""The server: what a strategy has in hand. It listens with what a first program has, or starts the real engine."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator

from quart_app.lab.lessons.slow.engine import Engine
from quart_app.lab.lessons.slow.feed import Feed, Item, gap, named
from quart_app.lab.world.loop import Place
from quart_app.lab.world.roads import Cut, End
from quart_app.lab.world.world import World


class Queue(deque[Item]):
    """What waits for a reader."""

    def __init__(self) -> None:
        super().__init__()
        self.changed = asyncio.Event()

    def append(self, item: Item) -> None:
        """Add something."""
        super().append(item)
        self.changed.set()

    @property
    def bytes(self) -> int:
        """The size of what waits."""
        return sum(len(item.body) for item in self)


class Reader:
    """A reader, as the server sees it: what is in its `queue` is sent as soon as its connection takes more."""

    def __init__(self, name: str, end: End) -> None:
        self.name = name
        self.queue = Queue()
        self._end = end
        self._sent = asyncio.Event()

    async def send_on(self) -> None:
        """Send what comes into the queue."""
        while True:
            await self.queue.changed.wait()
            await self._end.room()
            if self.queue:
                text = self.queue.popleft().text
                self._end.put(text, len(text))
            if not self.queue:
                self.queue.changed.clear()
                self._sent.set()

    async def room(self) -> None:
        """Wait until its queue is empty."""
        while self.queue:
            self._sent.clear()
            await self._sent.wait()


class Server:
    """The server of a world, whose `readers` have names."""

    def __init__(self, world: World, feed: Feed, readers: tuple[str, ...]) -> None:
        self.name = "server"
        self.process = Place(world.loop, self.name)
        self._world = world
        self._feed = feed
        self._names = readers
        self._readers: dict[str, Reader] = {}
        self._all_here = asyncio.Event()

    def accept(self, end: End) -> None:
        """As of `roads.Listener`."""
        name = end.other.place.name
        reader = self._readers[name] = Reader(name, end)
        self.process.spawn(self._serve(reader, end), "serve")
        if len(self._readers) == len(self._names):
            self._all_here.set()

    async def _serve(self, reader: Reader, end: End) -> None:
        try:
            await reader.send_on()
        except Cut:
            end.close()

    def held(self, name: str) -> int:
        """Return the bytes that are held here for a reader alone: in its queue, and sent but not taken."""
        sent = sum(one.ends[1].untaken for one in self._world.road(name, self.name).connections)
        return sent + (self._readers[name].queue.bytes if name in self._readers else 0)

    async def _read(self, name: str, place: Place) -> None:
        """Read, as a first program does."""
        end = await self._world.road(name, self.name).connect(place, self, "ws")
        self._world.trace.note(name, "open")
        while True:
            message = json.loads(await end.receive())
            if told := named(message):
                self._world.trace.note(name, "show", **told)
            else:
                lost = message["data"]["number"]
                self._world.trace.note(name, "say", text=f"gap {lost}", gap=lost)

    # What a strategy may do

    async def listen(self) -> list[Reader]:
        """Listen, and return the readers once they are there."""
        self._world.trace.note(self.name, "boot")
        for name in self._names:
            place = Place(self._world.loop, name)
            place.spawn(self._read(name, place), "read")
        await self._all_here.wait()
        return [self._readers[name] for name in self._names]

    async def engine(self) -> Engine:
        """Start the real engine, and return it; the readers are real clients then."""
        engine = Engine(self._world, self._names)
        await engine.start()
        return engine

    def feed(self) -> AsyncIterator[Item]:
        """Yield what is to be passed on, as it comes in."""
        return self._feed.items()

    def gap(self, lost: int) -> Item:
        """Return what tells a reader that so many things are lost to it."""
        return gap(lost)

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        await asyncio.sleep(seconds)

    def now(self) -> float:
        """Return the seconds since the run has begun."""
        return self._world.loop.time()

    def say(self, text: str) -> None:
        """Write a note into the run."""
        self._world.trace.note(self.name, "say", text=str(text)[:200])
