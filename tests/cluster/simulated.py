"""A cluster of one random number generator: it keeps every promise, and makes histories of any length in no time.

It is what the checker is proved with, so it knows nothing of how the checker looks at things. Requests and answers are
on their way for a while, get lost, or arrive when nobody waits any more; readers lag, drop and come back; people come
and go.
"""

import heapq
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.cluster.asking import CEDULAS, PULSE, ROOM, TOPICS, Asking
from tests.cluster.case import position_of
from tests.cluster.history import History, Json
from tests.cluster.rows import TermWrite
from tests.cluster.simulated_store import Refusal, Store

WRITERS = 6
READERS = 5
LINGER = 5.0  # s


@dataclass(eq=False)
class Flight:
    """A request on its way: `outcome` is its answer or its refusal once it was carried out."""

    process: str
    op: int
    do: str
    asked: Json
    key: str | None
    node: int
    outcome: Any = None
    awaited: bool = True


@dataclass
class Writer:
    name: str
    flight: Flight | None = None
    again: tuple[str, Json, str | None] | None = None
    """What was not answered, to be asked again."""


@dataclass
class Reader:
    """A client that follows topics; in a room it is a person as well."""

    name: str
    transport: str
    topics: tuple[str, ...]
    connection: int | None = None
    position: int = 0
    cursor: str | None = None
    heard: dict[str, int] = field(default_factory=dict)


class Simulation:
    """So many steps of a cluster, each one thing that happens somewhere."""

    def __init__(self, seed: int, steps: int, nodes: int = 3) -> None:
        self.random = Random(seed)
        self.nodes = nodes
        self.now = 0.0
        self.history = History(clock=lambda: self.now)
        self.store = Store()
        self.asking = Asking(self.random, self.store.products, self.store.reservations, days=1 + steps // 200)
        self.flights: list[Flight] = []
        self.writers = [Writer(f"writer-{n}") for n in range(WRITERS)]
        self.readers = [
            Reader(f"reader-{n}", ("ws", "sse", "poll")[n % 3], (PULSE, *TOPICS) if n % 2 else (ROOM,))
            for n in range(READERS)
        ]
        self.signals: dict[str, list[tuple[str, Json, str | None]]] = defaultdict(list)
        """By topic the signals in their order: type, data, from whom it is hidden."""
        self.here: dict[str, int] = {}
        """Who is in the room, with their connection; a negative one is lost, and lingers."""
        self.timers: list[tuple[float, str, int]] = []
        self.terms: list[TermWrite] = []
        self.term, self.holder = 1, "node-0"
        for cedula in CEDULAS:
            self._finish("setup", "bank.open", {"cedula": cedula, "nombre": "Ana", "cents": 1000})
        for _ in range(steps):
            self._step()
        self._settle()
        self.rows = self.store.rows(self.terms)

    @property
    def lines(self) -> list[Any]:
        return self.history.lines

    def _finish(self, process: str, do: str, asked: Json) -> None:
        op = self.history.invoke(process, do, asked, f"{process}/{do}/{asked}")
        self.history.ok(op, self.store.do(process, do, asked, None))

    def _step(self) -> None:
        self.now += self.random.expovariate(50)
        while self.timers and self.timers[0][0] <= self.now:
            _, user, connection = heapq.heappop(self.timers)
            if self.here.get(user) == -connection:
                self._left(user)
        actions: list[Callable[[], None]] = [self._ask, self._carry_out, self._answer, self._read, self._read]
        if self.random.random() < 0.04:
            actions = [self._lose, self._come_or_go, self._hold_lease]
        self.random.choice(actions)()

    # Writing

    def _ask(self) -> None:
        writer = self.random.choice(self.writers)
        if writer.flight is not None:
            return
        if writer.again is None:
            do, asked = self.asking.command(writer.name)
            keyed = do not in {"live.publish", "bank.balance"}
            writer.again = do, asked, f"key-{len(self.history.lines)}" if keyed else None
        do, asked, key = writer.again
        op = self.history.invoke(writer.name, do, asked, key)
        writer.flight = Flight(writer.name, op, do, asked, key, self.random.randrange(self.nodes))
        self.flights.append(writer.flight)

    def _carry_out(self) -> None:
        waiting = [flight for flight in self.flights if flight.outcome is None]
        if not waiting:
            return
        flight = self.random.choice(waiting)
        if flight.do == "live.publish":
            self.signals[PULSE].append(("tick", {"mark": flight.asked["mark"]}, None))
            flight.outcome = {"published": 1}
        else:
            try:
                flight.outcome = self.store.do(flight.process, flight.do, flight.asked, flight.key)
            except Refusal as refusal:
                flight.outcome = refusal
        if not flight.awaited:
            self.flights.remove(flight)

    def _answer(self) -> None:
        ready = [writer for writer in self.writers if writer.flight and writer.flight.outcome is not None]
        if not ready:
            return
        writer = self.random.choice(ready)
        flight = writer.flight
        assert flight is not None
        if isinstance(flight.outcome, Refusal):
            self.history.fail(flight.op, str(flight.outcome), flight.node)
        else:
            self.history.ok(flight.op, flight.outcome, flight.node)
        self.flights.remove(flight)
        writer.flight = None
        if flight.key is None or isinstance(flight.outcome, Refusal) or self.random.random() < 0.9:
            writer.again = None  # else it asks once more, for the same answer

    def _lose(self) -> None:
        busy = [writer for writer in self.writers if writer.flight]
        if not busy:
            return
        writer = self.random.choice(busy)
        flight = writer.flight
        assert flight is not None
        self.history.unknown(flight.op, "lost")
        flight.awaited = False
        if flight.outcome is not None or self.random.random() < 0.5:
            self.flights.remove(flight)
        writer.flight = None
        if flight.key is None:
            writer.again = None

    def _hold_lease(self) -> None:
        if self.random.random() < 0.3:
            self.term, self.holder = self.term + 1, f"node-{self.random.randrange(self.nodes)}"
        position = self.store.append("sensors", "sensor_update", {"temperature": 20})
        self.terms.append(TermWrite("sensors", self.term, self.holder, position))

    # Reading

    def _come_or_go(self) -> None:
        reader = self.random.choice(self.readers)
        if reader.connection is None:
            self._come(reader)
        else:
            orderly = reader.transport == "ws" and self.random.random() < 0.5
            if orderly or self.random.random() < 0.5:
                self.history.leaving(reader.connection, orderly=orderly)
            self._drop(reader, orderly=orderly)

    def _come(self, reader: Reader) -> None:
        history = self.history
        connection = history.connect(reader.name, reader.transport, reader.topics, reader.name, reader.cursor)
        reader.connection = connection
        reader.position = len(self.store.log) if reader.cursor is None else position_of(reader.cursor)
        reader.cursor = f"epoch-{reader.position}"
        self.now += 0.001
        if ROOM in reader.topics:
            if reader.name not in self.here:
                self.signals[ROOM].append(("user_joined", {"user_id": reader.name}, reader.name))
            self.here[reader.name] = connection
        reader.heard = {topic: len(self.signals[topic]) for topic in reader.topics}
        history.welcome(connection, reader.cursor, self.random.randrange(self.nodes))
        if ROOM in reader.topics:
            history.present(connection, ROOM, self.here)

    def _drop(self, reader: Reader, *, orderly: bool) -> None:
        connection = reader.connection
        assert connection is not None
        if ROOM in reader.topics:
            self.here[reader.name] = -connection
            if orderly:
                self._left(reader.name)
            else:
                heapq.heappush(self.timers, (self.now + LINGER, reader.name, connection))
        self.history.gone(connection, "over", clean=orderly)
        reader.connection = None

    def _left(self, user: str) -> None:
        if self.here.pop(user, None) is not None:
            self.signals[ROOM].append(("user_left", {"user_id": user}, user))

    def _read(self) -> None:
        connected = [reader for reader in self.readers if reader.connection is not None]
        if connected:
            self._hear(self.random.choice(connected), self.random.randint(1, 20))

    def _hear(self, reader: Reader, most: int) -> None:
        assert reader.connection is not None
        for event in self.store.log[reader.position : reader.position + most]:
            if event.topic in reader.topics:
                cursor = f"epoch-{event.position}"
                self.history.event(reader.connection, event.topic, event.type, event.data, cursor)
                reader.cursor = cursor
            reader.position = event.position
        for topic in reader.topics:
            if (behind := len(self.signals[topic]) - reader.heard[topic]) > 30 and topic == PULSE:
                self.history.gap(reader.connection, topic, behind)
                reader.heard[topic] += behind
            for type, data, hidden_from in self.signals[topic][reader.heard[topic] :][:most]:
                reader.heard[topic] += 1
                if hidden_from != reader.name:
                    self.history.event(reader.connection, topic, type, data)
        if reader.transport == "poll":
            reader.cursor = f"epoch-{reader.position}"
            self.history.stands(reader.connection, f"{reader.cursor}.run.{len(self.signals)}")

    def _settle(self) -> None:
        while any(writer.flight for writer in self.writers):
            self.now += 0.01
            self._carry_out()
            self._answer()
        for reader in self.readers:
            if reader.connection is None:
                self._come(reader)
        for reader in self.readers:
            self.now += LINGER
            self._hear(reader, len(self.history.lines))
        self.history.settled()
