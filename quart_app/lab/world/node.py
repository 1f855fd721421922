"""A node of the world: one process after another, each with an engine of its own, which can be paused and killed."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from quart_app.lab.world.database import RecordedLog
from quart_app.lab.world.loop import Fate, Place, VirtualLoop
from quart_app.lab.world.roads import End
from quart_app.lab.world.serving import serve
from quart_app.lab.world.trace import Trace
from quart_app.lab.world.writer import Writer
from quart_app.realtime import Hub

T = TypeVar("T")


class Node:
    """One node on a `log`. `build(node)` makes the engine of each of its processes."""

    def __init__(
        self, name: str, loop: VirtualLoop, trace: Trace, log: RecordedLog, build: Callable[["Node"], Hub]
    ) -> None:
        self.name = name
        self.skew = 0.0
        """The seconds by which its wall clock is ahead."""
        self._loop = loop
        self._trace = trace
        self._log = log
        self._build = build
        self._place: Place | None = None
        self.hub: Hub | None = None
        self.writer: Writer
        """What its engine stores by; given by who furnishes it."""
        self.listens = False

    @property
    def process(self) -> Place | None:
        """The process that listens, None where there is none."""
        return self._place if self.listens else None

    @property
    def serves(self) -> Hub | None:
        """The engine of a process that listens and goes on, None where there is none."""
        return self.hub if self.fate is Fate.RUNNING and self.listens else None

    @property
    def fate(self) -> Fate:
        """What has become of it."""
        return Fate.DEAD if self._place is None else self._place.fate

    def accept(self, end: End) -> None:
        """Serve a connection."""
        assert self.hub is not None  # noqa: S101 - it listens
        self._here.spawn(serve(self.hub, end), "serve")

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Begin `work` in its process."""
        return self._here.spawn(work)

    def run(self, function: Callable[..., object], *arguments: Any) -> None:
        """Call a function in its process."""
        self._here.run(function, *arguments)

    @property
    def _here(self) -> Place:
        assert self._place is not None  # noqa: S101 - it was started
        return self._place

    def start(self) -> None:
        """Start a process, where there is none."""
        if self.fate is Fate.DEAD:
            self._trace.note(self.name, "boot")
            self._place = Place(self._loop, self.name)
            self.hub = self._place.run(self._build, self)
            self._place.spawn(self._begin(self.hub), "start")

    async def _begin(self, hub: Hub) -> None:
        await hub.start(self._log)
        self.listens = True

    def kill(self) -> None:
        """Let its process be gone, without a word."""
        if self.fate is not Fate.DEAD:
            self._trace.note(self.name, "crash")
            self.listens = False
            self._here.kill()

    def pause(self) -> None:
        """Let its process stand still."""
        if self.fate is Fate.RUNNING:
            self._trace.note(self.name, "pause")
            self._here.pause()

    def resume(self) -> None:
        """Let its process go on."""
        if self.fate is Fate.PAUSED:
            self._trace.note(self.name, "resume")
            self._here.resume()

    def stop(self) -> None:
        """Let it end in good order: it says goodbye, and is gone a little later."""
        if self.fate is Fate.RUNNING and self.listens:
            self._trace.note(self.name, "stop")
            self.listens = False
            self._here.spawn(self._end(self._here, self.hub), "stop")

    async def _end(self, place: Place, hub: Hub | None) -> None:
        assert hub is not None  # noqa: S101 - it has listened
        await hub.drain()
        await hub.stop()
        self._trace.note(self.name, "gone")
        place.kill()
