"""The check of signals, which may be lost, but not without a word: what was received and what was told as a gap are
what was sent.

What a reader is owed is counted in a *span*: from the moment that it is let in, for as long as the same counters stand
behind what it is told. A long poll's cursor names its counters; another transport's last as long as the connection.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from math import inf
from typing import Final

from quart_app.wire import Cursor
from tests.cluster.case import Attempt, Case, Connection, Finding, Heard
from tests.cluster.history import Event, Fault, Gap, Line, Ok, Stands

SIGNAL: Final = "live.publish"
LOST_WITH_ITS_NODE: Final = 1.0
"""The seconds before a node's death whose signals may be lost without a word, because it alone knew of them."""
BACK: Final = 4.0
"""The seconds in which a node that could not reach the others, or did nothing, has told them what it has to tell."""
_BEGIN: Final = {"cut", "stop", "redis kill", "redis stop", "redis kills"}
_END: Final = {"heal", "cont", "redis start", "redis cont"}


@dataclass(slots=True)
class Span:
    """What a reader was told of one topic between two moments."""

    asked: float
    """When it can have begun at the earliest."""
    began: float
    first: Line
    ended: float = inf
    events: list[Event] = field(default_factory=list)
    dropped: int = 0
    at_least: bool = False


class Sent:
    """The signals of one topic that were sent, in the order of asking."""

    def __init__(self, attempts: Iterable[Attempt], nodes: "_Nodes") -> None:
        self.attempts = sorted(attempts, key=lambda attempt: attempt.invoke.at)
        self.by_mark = {attempt.invoke.asked["mark"]: attempt for attempt in self.attempts}
        self._asked = [attempt.invoke.at for attempt in self.attempts]
        self._told = sorted(map(nodes.tell, self.attempts))

    def asked(self, low: float, high: float) -> list[Attempt]:
        """Return those that were asked for between two moments."""
        return self.attempts[bisect_right(self._asked, low) : bisect_left(self._asked, high)]

    def possible(self, low: float, high: float) -> int:
        """Return how many can have been told of between two moments."""
        return bisect_right(self._asked, high) - bisect_left(self._told, low)


def signals(case: Case) -> Iterator[Finding]:
    """Yield each signal that was lost without a word, came twice, in a wrong order, or from nobody."""
    attempts: dict[str, list[Attempt]] = defaultdict(list)
    for command in case.commands:
        if command.do == SIGNAL:
            attempts[command.asked["topic"]] += command.attempts
    nodes = _Nodes(case.faults)
    sent = {topic: Sent(of_topic, nodes) for topic, of_topic in attempts.items()}
    for connection in case.connections:
        for topic in sent.keys() & set(connection.connect.topics):
            for span in spans(connection, topic):
                node = None if connection.welcome is None else connection.welcome.node
                span.asked = nodes.heard(node, span.asked)
                yield from _judged(connection.connect.process, topic, span, sent[topic], nodes, case.settled)


def spans(connection: Connection, topic: str) -> list[Span]:
    """Return what a connection was told of a topic, by the counters that stood behind it."""
    found: list[Span] = []
    run, asked = "", connection.connect.at
    for counted, lines in _answers(connection):
        if not found or run not in {counted, ""}:
            if found:
                found[-1].ended = asked
            found.append(Span(asked, lines[-1].at if found else lines[0].at, lines[0]))
        run, asked = counted, lines[-1].at
        for line in lines:
            if isinstance(line, Gap) and line.topic == topic:
                found[-1].dropped += line.dropped
                found[-1].at_least |= line.at_least
            elif isinstance(line, Event) and line.topic == topic and line.cursor is None:
                found[-1].events.append(line)
    if found:
        found[-1].ended = connection.ended
    return found


def _answers(connection: Connection) -> Iterator[tuple[str, list[Heard]]]:
    """Yield what a connection brought until each cursor that names its counters, with their name."""
    lines: list[Heard] = []
    run = ""
    for line in connection.heard:
        lines.append(line)
        if isinstance(line, Stands) and (counted := Cursor.parse(line.cursor).run):
            run = counted
            yield run, lines
            lines = []
    if lines:
        yield run, lines


def _judged(name: str, topic: str, span: Span, sent: Sent, nodes: "_Nodes", settled: float | None) -> Iterator[Finding]:
    got: dict[str, Event] = {}
    newest: tuple[float, Event] | None = None
    for event in span.events:
        mark = str(event.data.get("mark"))
        attempt = sent.by_mark.get(mark)
        if attempt is None:
            yield Finding(f"{name} got the signal {mark}, which nobody has sent", (event,))
            continue
        if mark in got:
            yield Finding(f"{name} got the signal {mark} twice", (attempt.invoke, got[mark], event))
        elif newest is not None and nodes.tell(attempt) < newest[0]:
            yield Finding(f"{name} got the signal {mark} after a younger one", (attempt.invoke, newest[1], event))
        got[mark] = event
        newest = max(newest or (0.0, event), (attempt.invoke.at, event), key=lambda one: one[0])
    # What was acknowledged before the youngest signal was asked for has come before it, or never will.
    latest = settled if settled is not None and span.ended == inf else newest[0] if newest else span.began
    owed = [
        attempt
        for attempt in sent.asked(span.began, latest)
        if nodes.tell(attempt) < latest and attempt.invoke.asked["mark"] not in got and not nodes.died(attempt)
    ]
    possible = sent.possible(span.asked, span.ended) - len(got)
    if len(owed) > span.dropped and not span.at_least:
        said = f"{name} lost {len(owed)} signals of {topic} and was told of {span.dropped}"
        yield Finding(said, (span.first, owed[0].invoke))
    elif span.dropped > possible and not span.at_least:
        said = f"{name} was told of {span.dropped} lost signals of {topic} where {possible} at most can be"
        yield Finding(said, (span.first,))


class _Nodes:
    """What became of the nodes that took signals: when they could not tell the others, and when they were killed."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self._deaths: list[Fault] = []
        self._outages: list[tuple[Fault, float]] = []
        for fault in faults:
            if fault.what == "kill9":
                self._deaths.append(fault)
            elif fault.what in _BEGIN:
                self._outages.append((fault, inf if fault.what != "redis kills" else fault.at + BACK))
            elif fault.what in _END:
                self._outages = [
                    (since, min(until, fault.at + BACK) if since.node == fault.node else until)
                    for since, until in self._outages
                ]

    def tell(self, attempt: Attempt) -> float:
        """Return when the others know of a signal for certain, or that it is lost."""
        told = attempt.ended
        if isinstance(attempt.end, Ok):
            for since, until in self._outages:
                if since.node in {None, attempt.end.node} and since.at - LOST_WITH_ITS_NODE <= told <= until:
                    told = until
        return told

    def heard(self, node: int | None, at: float) -> float:
        """Return until when a node knows of signals for certain that knows its count of them at a moment: one that
        hears nothing cannot tell what was before a reader came."""
        return min(
            [at, *(one.at for one, until in self._outages if one.node in {None, node} and one.at <= at <= until)]
        )

    def died(self, attempt: Attempt) -> bool:
        """Return whether the node that took a signal was killed before it can have told the others for certain."""
        return isinstance(attempt.end, Ok) and any(
            fault.node == attempt.end.node and attempt.end.at <= fault.at < self.tell(attempt) + LOST_WITH_ITS_NODE
            for fault in self._deaths
        )
