"""The check of presence: joins and leaves alternate, and are those of the connections.

A user is *surely* present from the welcome of a connection until it is being closed, and where it was cut for a while
longer, but by way of a node that was cut off from the others only once these can have heard of it; and *perhaps* from
when a connection is asked for until it can be known everywhere that none is left.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from math import inf
from typing import Final, NamedTuple

from tests.cluster.case import Case, Connection, Finding
from tests.cluster.history import Event, Fault, Gap, Present

JOINED: Final = "user_joined"
LEFT: Final = "user_left"
LINGERS: Final = 3.5
"""The seconds that a user surely stays after a connection was cut: a node's lease may end so much after its beat."""
BURIED: Final = 8.0
"""The seconds after which it is known everywhere that a connection or a node is no more."""
WAKES: Final = 2.0
"""The seconds that a node which was stopped takes to bring its users back."""


class Stay(NamedTuple):
    """A time."""

    since: float
    until: float


def presence(case: Case) -> Iterator[Finding]:
    """Yield each join and each leave that is one too many, and each that is missing at the end."""
    rooms: dict[str, dict[str, list[Connection]]] = defaultdict(lambda: defaultdict(list))
    for connection in case.connections:
        for topic in connection.connect.topics:
            rooms[topic][connection.connect.user].append(connection)
    pauses, lags = _pauses(case.faults), _lags(case.faults)
    for topic in {line.topic for one in case.connections for line in one.heard if isinstance(line, Present)}:
        people = {user: _Person(connections, pauses, lags) for user, connections in rooms[topic].items()}
        for observer in rooms[topic].values():
            for connection in observer:
                yield from _Watch(case, connection, topic, people, _knew(connection, lags)).findings()


def _knew(connection: Connection, lags: dict[int | None, list[Stay]]) -> float:
    """Return the time of which it is sure that the node of a connection knew it when it welcomed the connection."""
    asked = connection.connect.at
    return min([asked, *(lag.since for lag in _lags_at(connection, asked, lags))])


def _lags_at(connection: Connection, at: float, lags: dict[int | None, list[Stay]]) -> list[Stay]:
    """Return the times around a moment in which the node of a connection was apart from the others."""
    node = None if connection.welcome is None else connection.welcome.node
    return [lag for one in {None, node} for lag in lags.get(one, ()) if lag.since <= at <= lag.until]


def _lags(faults: Iterable[Fault]) -> dict[int | None, list[Stay]]:
    """Return when each node could be behind what the others know; under None, all nodes."""
    lags: dict[int | None, list[Stay]] = defaultdict(list)
    for fault in faults:
        what = fault.what.removeprefix("redis ")
        if what in {"stop", "cut"}:
            lags[fault.node].append(Stay(fault.at, inf))
        elif what in {"cont", "heal"} and lags[fault.node]:
            lags[fault.node][-1] = Stay(lags[fault.node][-1].since, fault.at + WAKES)
    return lags


def _pauses(faults: Iterable[Fault]) -> dict[int | None, list[Stay]]:
    """Return when the others could take each node for dead, though it was not; under None, all nodes."""
    pauses: dict[int | None, list[Stay]] = defaultdict(list)
    for fault in faults:
        what = fault.what.removeprefix("redis ")
        if what in {"stop", "cut", "kill"}:
            pauses[fault.node].append(Stay(fault.at + LINGERS, inf))
        elif what in {"cont", "heal", "start"} and pauses[fault.node]:
            since = pauses[fault.node][-1].since
            pauses[fault.node][-1] = Stay(since, min(pauses[fault.node][-1].until, max(since, fault.at + WAKES)))
    return pauses


class _Person:
    """When somebody was surely in a room, and when perhaps."""

    def __init__(
        self, connections: list[Connection], pauses: dict[int | None, list[Stay]], lags: dict[int | None, list[Stay]]
    ) -> None:
        goodbyes = sorted(one.leaving.at for one in connections if one.leaving is not None and one.leaving.orderly)
        sure: list[Stay] = []
        unsure: list[Stay] = []
        for one in connections:
            node = None if one.welcome is None else one.welcome.node
            dead = sorted((*pauses.get(None, ()), *(() if node is None else pauses.get(node, ()))))
            parts = list(_outside(_stay(one, goodbyes, lags), dead))
            sure += parts
            if not parts:
                unsure.append(Stay(one.connect.at, one.ended + BURIED))
        self.sure = _joined(sure)
        self._came_unsure = sorted(stay.since for stay in unsure)
        self._left_unsure = sorted(stay.until for stay in unsure)
        self._perhaps = _joined(
            Stay(one.connect.at, one.ended + (0.0 if one.gone and one.gone.clean else BURIED)) for one in connections
        )
        self._ends = [stay.until for stay in self.sure]
        self._asked = min(one.connect.at for one in connections)

    def is_sure(self, at: float) -> bool:
        index = bisect_left(self._ends, at)
        return index < len(self.sure) and self.sure[index].since <= at

    def is_possible(self, at: float) -> bool:
        return any(stay.since <= at <= stay.until for stay in self._perhaps)

    def breaks(self, low: float, high: float) -> int:
        """Return how often the user was perhaps away between two moments."""
        ends = bisect_right(self._ends, high) - bisect_left(self._ends, low)
        unsure = bisect_right(self._came_unsure, high) - bisect_left(self._left_unsure, low)
        return ends + unsure + (not self.is_sure(low))

    def asked_by(self, at: float) -> bool:
        """Return whether the user had asked for a connection by then."""
        return self._asked <= at


def _stay(connection: Connection, goodbyes: list[float], lags: dict[int | None, list[Stay]]) -> Stay:
    """Return when a connection surely keeps its user in the room: who says goodbye does not linger, even where an
    earlier connection was cut just before."""
    if connection.welcome is None:
        return Stay(connection.connect.at, connection.connect.at)
    came = connection.welcome.at
    since = max([came, *(lag.until for lag in _lags_at(connection, came, lags))])
    if connection.leaving is not None and connection.leaving.orderly:
        return Stay(since, connection.leaving.at)
    cut = min(connection.ended, inf if connection.leaving is None else connection.leaving.at)
    next_goodbye = bisect_left(goodbyes, cut)
    return Stay(since, min([cut + LINGERS, *goodbyes[next_goodbye : next_goodbye + 1]]))


def _outside(stay: Stay, pauses: list[Stay]) -> Iterator[Stay]:
    for pause in pauses:
        if pause.since < stay.until and pause.until > stay.since:
            if stay.since < pause.since:
                yield Stay(stay.since, pause.since)
            stay = Stay(pause.until, stay.until)
    if stay.since < stay.until:
        yield stay


def _joined(stays: Iterable[Stay]) -> list[Stay]:
    """Return the same times with those that touch made one."""
    joined: list[Stay] = []
    for stay in sorted(stays):
        if joined and stay.since <= joined[-1].until:
            joined[-1] = joined[-1]._replace(until=max(stay.until, joined[-1].until))
        else:
            joined.append(stay)
    return joined


class _Watch:
    """What one connection was told of who is in a room."""

    def __init__(self, case: Case, connection: Connection, topic: str, people: dict[str, _Person], knew: float) -> None:
        self._case = case
        self._connection = connection
        self._knew = knew
        self._topic = topic
        self._people = people
        self._here: dict[str, bool | None] = {}
        """Who is in the room as the reader knows it; None where it cannot know any more."""
        self._knows = False
        self._left: dict[str, int] = defaultdict(int)

    def findings(self) -> Iterator[Finding]:
        for line in self._connection.heard:
            match line:
                case Present(topic=topic) if topic == self._topic:
                    self._here = dict.fromkeys(line.users, True)
                    self._knows = True
                case Gap(topic=topic) if topic == self._topic:
                    self._here = dict.fromkeys(self._people, None)
                case Event(topic=topic, type=type) if topic == self._topic and self._knows:
                    if type in {JOINED, LEFT}:
                        yield from self._changed(line, joined=type == JOINED)
                case _:
                    pass
        settled = self._case.settled
        if settled is not None and self._connection.gone is None and self._knows:
            yield from self._at_the_end(settled)

    def _changed(self, line: Event, *, joined: bool) -> Iterator[Finding]:
        observer, user = self._connection.connect.process, str(line.data["user_id"])
        here = self._here.get(user, False)
        self._here[user] = joined
        if here is joined:
            what = "joined, and was there" if joined else "left, and was not there"
            yield Finding(f"{observer} was told that {user} {what} already", (self._connection.connect, line))
        person = self._people.get(user)
        if person is None or not person.asked_by(line.at):
            yield Finding(f"{observer} was told of {user}, who has not come", (line,))
        elif not joined:
            self._left[user] += 1
            if self._left[user] > person.breaks(self._knew, line.at):
                said = f"{observer} was told that {user} left, who was connected all the time"
                yield Finding(said, (self._connection.connect, line))

    def _at_the_end(self, settled: float) -> Iterator[Finding]:
        connect = self._connection.connect
        for user, person in self._people.items():
            here = self._here.get(user, False)
            if user == connect.user or here is None:
                continue
            if here and not person.is_possible(settled):
                yield Finding(f"{connect.process} was not told that {user} left {self._topic}", (connect,))
            elif not here and person.is_sure(settled):
                yield Finding(f"{connect.process} was not told that {user} joined {self._topic}", (connect,))
