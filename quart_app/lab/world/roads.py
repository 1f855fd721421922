"""Roads between places, and connections on them, as TCP makes them: what is sent comes in order, once, or not at all.

Nothing here knows what is sent. A road has a delay, and may be dark in either direction: what is on its way then waits,
as TCP would send it again, until the road is open or the connection is cut.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final, Protocol

from quart_app.lab.world.loop import NOWHERE, Fate, Place, VirtualLoop
from quart_app.lab.world.trace import Trace

WINDOW: Final = 64 * 1024
"""The bytes that are on their way, or not taken yet, before a sender has to wait."""
_STEP: Final = 1e-6
"""The least time between two arrivals on one connection (s)."""


class Cut(Exception):
    """The connection is over."""


class Unreachable(Exception):
    """Nobody takes the connection."""


@dataclass
class Weather:
    """One direction of a road. A `delay` is drawn between its two numbers (s); `rate` is in bytes per second, where it
    is bounded. Connections of a kind that is `buffered` bring nothing, as by a proxy that collects what they bring."""

    delay: tuple[float, float] = (0.02, 0.02)
    rate: float | None = None
    dark: bool = False
    buffered: frozenset[str] = frozenset()
    _waiting: list[Callable[[], None]] = field(default_factory=list)

    def keeps(self, kind: str) -> bool:
        """Tell whether what belongs to a connection of this kind does not come through."""
        return self.dark or kind in self.buffered

    def when_light(self, goes_on: Callable[[], None]) -> None:
        """Call a function as soon as more comes through."""
        self._waiting.append(goes_on)

    def lighten(self) -> None:
        """Let everything through."""
        self.dark, self.rate, self.buffered = False, None, frozenset()
        waiting, self._waiting = self._waiting, []
        for goes_on in waiting:
            goes_on()


class Listener(Protocol):
    """What can be reached by a road."""

    name: str

    @property
    def process(self) -> Place | None:
        """The process that listens, None where there is none."""

    def accept(self, end: "End") -> None:
        """Take a connection."""


class Road:
    """What lies between two hosts, each with a name. `dice` decide how long things take on it."""

    def __init__(self, loop: VirtualLoop, trace: Trace, hosts: tuple[str, str], dice: Random) -> None:
        self._loop = loop
        self._trace = trace
        self._dice = dice
        self.name = "-".join(hosts)
        self.weather = {host: Weather() for host in hosts}
        """The weather for what is sent from one host and from the other."""
        self.blocked: frozenset[str] = frozenset()
        """The kinds of connections that something on the way answers itself, with a refusal."""
        self.connections: list[Connection] = []
        self.cut_by: int | None = None
        """The number of the event that has cut it last."""
        self.watch: Callable[[Any], dict[str, Any] | None] = lambda item: None
        """Returns what is to be told of something that is sent, None where nothing is. What it does is called `send`
        where it says no other `do`."""

    def delay(self, host: str) -> float:
        """Draw how long something takes that is sent from there now (s)."""
        return self._dice.uniform(*self.weather[host].delay)

    def darken(self) -> None:
        """Let nothing through, in either direction, and nobody notice."""
        for host in self.weather:
            self.darken_from(host)

    def darken_from(self, host: str) -> None:
        """Let nothing through that is sent from a host."""
        self.weather[host].dark = True

    def towards(self, host: str) -> Weather:
        """Return the weather for what is sent to a host."""
        [weather] = [weather for origin, weather in self.weather.items() if origin != host]
        return weather

    def lighten(self) -> None:
        """Let everything through again."""
        self.blocked = frozenset()
        for weather in self.weather.values():
            weather.lighten()

    def cut(self, why: int | None = None) -> None:
        """Cut all connections on it; what is on its way is lost. `why` is the number of the event that does it."""
        self.cut_by = why
        for connection in list(self.connections):
            connection.cut(why)

    async def connect(self, origin: Place, target: Listener, kind: str) -> "End":
        """Return this end of a new connection. It takes the way there and back. Raise Unreachable, and Cut where
        something on the way lets none of this kind through."""
        made: asyncio.Future[End] = self._loop.create_future()

        def arrived() -> None:
            if kind in self.blocked:
                self._after(target.name, lambda: failed(Cut()))
                return
            process = target.process
            if process is None or process.fate is Fate.DEAD:
                self._after(target.name, lambda: failed(Unreachable(f"{target.name} is not there")))
                return
            connection = Connection(self._loop, self._trace, self, kind, origin, process)
            self.connections.append(connection)
            self._loop.call_soon(target.accept, connection.ends[1], context=process.context())
            self._after(target.name, lambda: succeeded(connection))

        def succeeded(connection: Connection) -> None:
            if made.done():
                connection.cut()
            else:
                made.set_result(connection.ends[0])

        def failed(error: Exception) -> None:
            if not made.done():
                made.set_exception(error)

        self._after(origin.name, arrived)
        return await made

    def _after(self, origin: str, then: Callable[[], None]) -> None:
        """Do something when what is sent from `origin` now has come."""
        weather = self.weather[origin]

        def come() -> None:
            if weather.dark:
                weather.when_light(lambda: self._after(origin, then))
            else:
                then()

        self._loop.call_later(self.delay(origin), come, context=NOWHERE)


@dataclass
class _Sent:
    item: Any
    size: int
    number: int | None
    """Of the event by which it was sent or has come, where that is one."""
    told: dict[str, Any] = field(default_factory=dict)
    """What is told of it when it comes, or is lost."""


class Connection:
    """A connection between two processes, with an end in each: first that of the one who has asked for it."""

    def __init__(self, loop: VirtualLoop, trace: Trace, road: Road, kind: str, a: Place, b: Place) -> None:
        self.loop = loop
        self.trace = trace
        self.road = road
        self.kind = kind
        self.over = False
        self.ends = End(self, a), End(self, b)
        for end, other in zip(self.ends, reversed(self.ends), strict=True):
            end.other = other
            end.place.on_death[self._died] = None

    def _died(self) -> None:
        """One of the processes is dead: its system ends the connection, and the other hears so after the way."""
        for end in self.ends:
            if end.place.fate is Fate.DEAD:
                end.close()

    def cut(self, why: int | None = None) -> None:
        """End it at once, for both; what is on its way is lost."""
        if not self.over:
            for end in self.ends:
                end.lose(why)
            self.leave()

    def leave(self) -> None:
        """Note that it is over."""
        self.over = True
        if self in self.road.connections:
            self.road.connections.remove(self)
        for end in self.ends:
            end.place.on_death.pop(self._died, None)


class End:
    """One end of a connection."""

    other: "End"

    def __init__(self, connection: Connection, place: Place) -> None:
        self.connection = connection
        self.place = place
        self._loop = connection.loop
        self._weather = connection.road.weather[place.name]
        self.closed = False
        """Nothing more is sent from here."""
        self._inbox: deque[_Sent] = deque()
        self._over = False
        """Nothing more comes."""
        self._way: deque[tuple[float, _Sent]] = deque()
        """What was sent from here and is not there yet, in order, with the time when it will be."""
        self._last = 0.0
        self.untaken = 0
        """The bytes that were sent from here, and that the other end has not taken yet."""
        self.received: int | None = None
        """The number of the event by which the last thing that was received has come."""
        self._reader: asyncio.Future[None] | None = None
        self._writers: list[asyncio.Future[None]] = []

    @property
    def gone(self) -> bool:
        """Tell whether nothing comes any more, and nothing is left."""
        return self._over and not self._inbox

    # Sending

    def put(self, item: Any, size: int = 0) -> None:
        """Send something, however much is on its way. Nothing happens where the connection is over."""
        if not self.closed:
            self.untaken += size
            told = self.connection.road.watch(item)
            if told is None:
                self._send(_Sent(item, size, None))
                return
            number = self.connection.trace.note(self.place.name, **{"do": "send", **told})
            again = {name: value for name, value in told.items() if name not in {"do", "of"}}
            self._send(_Sent(item, size, number, again))

    async def room(self) -> None:
        """Wait until more may be sent. Raise Cut."""
        while self.untaken > WINDOW and not self.closed:
            room = self._loop.create_future()
            self._writers.append(room)
            await room
        if self.closed:
            raise Cut

    def close(self) -> None:
        """End the connection after what was sent before."""
        if not self.closed:
            self._send(_Sent(Cut, 0, None))
            self._stop_sending()

    def _delay(self) -> float:
        return self.connection.road.delay(self.place.name)

    def _stop_sending(self) -> None:
        self.closed = True
        _wake(self._writers)

    def _send(self, sent: _Sent) -> None:
        weather = self._weather
        busy = sent.size / weather.rate if weather.rate else 0.0
        self._last = max(self._last + _STEP + busy, self._loop.time() + self._delay() + busy)
        self._way.append((self._last, sent))
        if len(self._way) == 1:
            self._loop.call_at(self._last, self._arrive, context=NOWHERE)

    def _arrive(self) -> None:
        now, weather = self._loop.time(), self._weather
        while self._way and self._way[0][0] <= now:
            if weather.keeps(self.connection.kind):
                weather.when_light(self._send_again)
                return
            self.other.take(self._way.popleft()[1])
        if self._way:
            self._loop.call_at(self._way[0][0], self._arrive, context=NOWHERE)

    def _send_again(self) -> None:
        """Send what has waited in the dark; nobody takes it any more where the connection is over meanwhile."""
        if self.connection.over:
            self.lose(None)
            return
        waiting, self._way = self._way, deque()
        self._last = 0.0
        for _, sent in waiting:
            self._send(sent)

    # Receiving

    def take(self, sent: _Sent) -> None:
        """Get something that has come."""
        if sent.item is Cut:
            self._over = True
            self._stop_sending()
            self.connection.leave()
        elif self.place.fate is not Fate.DEAD:
            self._inbox.append(sent)
            if sent.number is not None:
                sent.number = self.connection.trace.note(self.place.name, "arrive", **sent.told, of=sent.number)
        elif sent.number is not None:  # nobody is there any more to whom it could come
            self.connection.trace.note(self.connection.road.name, "lose", **sent.told, of=sent.number)
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    def lose(self, why: int | None) -> None:
        """Lose what is on its way from here, and hear that it is all over."""
        for _, sent in self._way:
            if sent.number is not None:
                self.connection.trace.note(self.connection.road.name, "lose", **sent.told, of=sent.number, by=why)
        self._way.clear()
        self._stop_sending()
        self._over = True
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    async def receive(self) -> Any:
        """Return what comes next. Raise Cut where nothing comes any more. A wait that is cancelled loses nothing."""
        while not self._inbox:
            if self._over:
                raise Cut
            self._reader = self._loop.create_future()
            await self._reader
        sent = self._inbox.popleft()
        self.other.taken(sent.size)
        self.received = sent.number
        return sent.item

    def taken(self, size: int) -> None:
        """Note that the other end has taken so many bytes."""
        self.untaken -= size
        if self.untaken <= WINDOW:
            _wake(self._writers)


def _wake(waiting: list[asyncio.Future[None]]) -> None:
    for one in waiting:
        if not one.done():
            one.set_result(None)
    waiting.clear()
