"""What a strategy has in hand to say who is there: beats that come to the server, or the presence of the real engine.

Mia looks at it: what she is shown of others is what the rules judge.
"""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Final, NamedTuple

from quart_app.lab.lessons.presence.ear import BEAT, GOODBYE, Ear
from quart_app.lab.lessons.presence.person import SERVER, Person
from quart_app.lab.soak.channels import JOINED, LEFT, ROOM, Room
from quart_app.lab.world.node import Node
from quart_app.lab.world.roads import End
from quart_app.lab.world.trace import Trace
from quart_app.lab.world.world import World
from quart_app.realtime import Hub, Peer, Welcome, limits

LOOK: Final = 0.1
"""The time between two looks at who was silent for how long (s)."""
GAPS: Final = 30
"""The number of last gaps between beats that are kept of each person."""
Dead = Callable[[Sequence[float], float], bool]
"""Tells whether somebody is dead by their last gaps between beats, and by how long they have been silent (s)."""


class News(NamedTuple):
    """What the server tells Mia: somebody is here, or gone."""

    name: str
    here: bool


class Lounge(Room):
    """The room of the real engine. A connection that is lost without a goodbye leaves its user some time to return."""

    def __init__(self, hub: Hub, trace: Trace) -> None:
        super().__init__(hub)
        self._trace = trace
        self._clock = hub.surroundings.time
        self._until: dict[str, float] = {}

    async def welcome(self, peer: Peer) -> Welcome:
        """Return who is there, and tell of who has returned in time."""
        if self._until.pop(peer.identity.user_id, None) is not None:
            self._trace.note(SERVER, "expire", token=peer.identity.user_id, back=True)
        return await super().welcome(peer)

    def left(self, peer: Peer, *, orderly: bool) -> None:
        """Note that somebody has left, and tell until when they may return."""
        who = peer.identity.user_id
        if not orderly and who not in {one.identity.user_id for one in self._hub.connections.values()}:
            until = self._until[who] = self._clock() + limits.LINGER
            self._trace.note(SERVER, "lease", token=who, until=round(until, 3))
            asyncio.get_running_loop().call_later(limits.LINGER, self._expire, who, until)
        super().left(peer, orderly=orderly)

    def _expire(self, who: str, until: float) -> None:
        if self._until.get(who) == until:
            del self._until[who]
            self._trace.note(SERVER, "expire", token=who)


def furnish(world: World, node: Node, hub: Hub) -> None:
    """Give the server's engine its room."""
    hub.channels.add("rooms/*", Lounge(hub, world.trace))


class Watcher:
    """What a strategy has; `people` are those of whom Mia is to be told, each of whom sends a beat `every` so often
    (s), and `limit` is a time of silence that may be turned by a knob (s)."""

    def __init__(self, world: World, people: Sequence[Person], every: float, limit: float) -> None:
        self.limit = limit
        self._world = world
        self._people = people
        self._every = every
        self._server = world.nodes[SERVER]
        self._clock = world.loop.time
        self._road = world.road("mia", SERVER)
        self._road.watch = self._told
        for weather in self._road.weather.values():
            weather.delay = 0.05, 0.05
        self._mia = world.client("mia", [ROOM])
        self.process = self._mia.process
        self._line: End | None = None
        self._heard: dict[str, float] = {}
        self._gaps: dict[str, deque[float]] = {}
        self._here: dict[str, bool] = {}
        self._shown: dict[str, bool] = {}
        self._hears_goodbyes = False

    @staticmethod
    def _told(item: Any) -> dict[str, Any] | None:
        """Return what a run tells of something that Mia is sent: who has come or gone."""
        if isinstance(item, News):
            return {"do": "push", "msg": item.name}
        message = json.loads(item) if isinstance(item, bytes) else {}
        return {"do": "push", "msg": message["data"]["user_id"]} if message.get("type") in {JOINED, LEFT} else None

    # What a strategy may do

    def believe(self, name: str, here: bool) -> None:
        """Show Mia that somebody is here, or is gone."""
        if self._shown.get(name, False) != here:
            self._shown[name] = here
            came = self._world.trace.last(lane="mia", do="arrive", msg=name)
            self._world.trace.note(name, "state", value="here" if here else "gone", of=came)

    async def by_silence(self, dead: Dead, *, goodbyes: bool = False) -> None:
        """Let everybody send beats to the server. It tells Mia that somebody is gone as soon as `dead(gaps, silent)`
        says so of their last gaps between beats and of their silence up to now (s), or where `goodbyes` count, as soon
        as they say goodbye; and that they are here with the next beat."""
        self._hears_goodbyes = goodbyes
        ear = Ear(self._server)
        ear.heard = self._hear
        line = await self._road.connect(self.process, ear, "news")
        line.put("mia")
        for person in self._people:
            person.process.spawn(person.beat(ear, self._every), "beat")
        self._server.spawn(self._look(dead))
        while True:
            news = await line.receive()
            self.believe(news.name, news.here)

    async def presence(self) -> AsyncIterator[tuple[str, bool]]:
        """Let everybody follow a room of the engine, and yield what it tells Mia: who is there, or has left."""
        async with self._mia.live as live:
            await live.opened()
            for person in self._people:
                person.process.spawn(person.follow(), "follow")
            async for message in live:
                if message["type"] in {JOINED, LEFT}:
                    yield message["data"]["user_id"], message["type"] == JOINED

    def say(self, text: str) -> None:
        """Write a note into the run."""
        self._world.trace.note("mia", "say", text=str(text)[:200])

    # In the server

    def _hear(self, end: End, name: str, item: str) -> None:
        """Take what has come from somebody."""
        now = self._clock()
        if name == "mia":
            self._line = end
        elif item == BEAT:
            if name in self._heard:
                self._gaps.setdefault(name, deque(maxlen=GAPS)).append(now - self._heard[name])
            self._heard[name] = now
            self._tell(name, here=True)
        elif item == GOODBYE and self._hears_goodbyes:
            self._tell(name, here=False)

    async def _look(self, dead: Dead) -> None:
        while True:
            await asyncio.sleep(LOOK)
            for name, heard in self._heard.items():
                if self._here[name] and dead(tuple(self._gaps.get(name, ())), self._clock() - heard):
                    self._tell(name, here=False)

    def _tell(self, name: str, *, here: bool) -> None:
        if self._here.get(name) != here and self._line is not None:
            self._here[name] = here
            self._line.put(News(name, here))
