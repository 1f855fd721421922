"""A person with a phone, and what may happen to them: a network that jams or changes, sleep, a flat battery, a goodbye.

What they do to be known as there, a strategy decides: they send beats, or follow a room through the real client.
"""

import asyncio
from typing import Final

from quart_app.client import State, Status
from quart_app.lab.lessons.presence.ear import BEAT, GOODBYE, told
from quart_app.lab.soak.channels import ROOM
from quart_app.lab.world.loop import Fate
from quart_app.lab.world.roads import Cut, End, Listener, Unreachable
from quart_app.lab.world.world import World

SERVER: Final = "server"
AGAIN: Final = 0.1
"""The time after which a phone that sends beats tries again to reach the server (s)."""
AWAY: Final = 1.2
"""The time that a phone has no network while it changes to another one (s)."""


class Person:
    """A person of a world, and their phone, which is on its way to the server by one road."""

    def __init__(self, world: World, name: str) -> None:
        self.name = name
        self._world = world
        self._road = world.road(name, SERVER)
        self._rung = "none"
        self._holds = 0
        self._leaving = False
        self._beats: End | None = None
        self._client = world.client(name, [ROOM], transports=("ws",), on_status=self._status)
        self.process = self._client.process
        self._road.watch = told
        for weather in self._road.weather.values():
            weather.delay = 0.03, 0.09

    def _note(self, lane: str, do: str) -> int:
        return self._world.trace.note(lane, do)

    # Being there

    async def follow(self) -> None:
        """Follow the room through the real client."""
        await self._client.live.__aenter__()

    def _status(self, status: Status) -> None:
        self._show("ws" if status.state is State.CONNECTED else "none")

    def _show(self, rung: str) -> None:
        if rung != self._rung:
            self._rung = rung
            self._world.trace.note(self.name, "rung", rung=rung)

    async def beat(self, listener: Listener, every: float) -> None:
        """Send beats, each `every` s, over a connection that is opened again when it is gone."""
        while True:
            try:
                self._beats = end = await self._road.connect(self.process, listener, "beat")
            except (Cut, Unreachable):
                await asyncio.sleep(AGAIN)
                continue
            end.put(self.name)
            self._show("ws")
            while not end.closed:
                end.put(BEAT)
                await asyncio.sleep(every)
            self._show("none")
            if self._leaving:
                return

    # What may happen

    @property
    def alive(self) -> bool:
        """Tell whether the phone does something."""
        return self.process.fate is Fate.RUNNING and not self._leaving

    def jam(self, seconds: float) -> None:
        """Let the network stand still for a while; what is on its way comes later."""
        if self.process.fate is not Fate.DEAD and not self._leaving:
            self._note(self._road.name, "dark")
            self._hold()
            self._world.loop.call_later(seconds, self._free, "light")

    def move(self) -> None:
        """Change to another network: what was connected is cut, and for a while there is nothing."""
        if self.alive:
            self._road.cut(self._note(self._road.name, "cut"))
            self._hold()
            self._world.loop.call_later(AWAY, self._free, "heal")

    def _hold(self) -> None:
        self._holds += 1
        self._road.darken()

    def _free(self, do: str) -> None:
        self._holds -= 1
        self._note(self._road.name, do)
        if not self._holds:
            self._road.lighten()

    def sleep(self, seconds: float) -> None:
        """Let the phone do nothing for a while."""
        if self.alive and seconds:
            self._note(self.name, "pause")
            self.process.pause()
            self._world.loop.call_later(seconds, self._wake)

    def _wake(self) -> None:
        if self.process.fate is Fate.PAUSED:
            self._note(self.name, "resume")
            self.process.resume()

    def die(self) -> None:
        """Let the battery be flat: nothing comes from there any more, not even the end of a connection."""
        if self.alive:
            self._note(self.name, "crash")
            self._hold()
            self.process.kill()

    def leave(self) -> None:
        """Say goodbye."""
        if self.alive:
            self._note(self.name, "stop")
            self._leaving = True
            self.process.spawn(self._leave(), "leave")

    async def _leave(self) -> None:
        if self._beats is not None:
            self._beats.put(GOODBYE)
            self._beats.close()
        await self._client.live.close()
        self._note(self.name, "gone")
        self.process.kill()
