"""The checks of what was read: nothing lost, nothing twice, in order; and every cursor is good everywhere."""

from bisect import bisect_right
from collections.abc import Iterator

from tests.cluster.case import Case, Connection, Finding, position_of
from tests.cluster.history import Event, Line, Reset, Stands, Welcome
from tests.cluster.rows import LogEvent


def readers(case: Case) -> Iterator[Finding]:
    """Yield each event that a reader did not get, got twice, or got in another place than the log has it."""
    for name, connections in case.readers.items():
        yield from _Reading(case, name, connections).findings()


class _Reading:
    """One reader's way through the events that it is to see, over all its connections."""

    def __init__(self, case: Case, name: str, connections: list[Connection]) -> None:
        self._name = name
        self._connections = connections
        self._settled = case.settled
        self._log = case.at
        asked = connections[0].connect
        self._due = case.visible(asked.topics, asked.user)
        self._positions = [event.position for event in self._due]
        self._next = -1
        """The place in what is due of the next event; below 0 before the reader has begun."""

    def findings(self) -> Iterator[Finding]:
        for connection in self._connections:
            if self._next < 0 and connection.connect.since is not None:
                self._next = self._after(position_of(connection.connect.since))
            for line in connection.heard:
                match line:
                    case Welcome(cursor=cursor) if self._next < 0:
                        self._next = self._after(position_of(cursor))
                    case Reset(cursor=cursor):
                        self._next = self._after(position_of(cursor))
                    case Stands(cursor=cursor):
                        yield from self._reached(position_of(cursor), line)
                    case Event(cursor=str(cursor)):
                        yield from self._took(position_of(cursor), line)
                    case _:
                        pass
        last = self._connections[-1]
        if self._settled is not None and last.gone is None and last.welcome is not None and self._positions:
            yield from self._reached(self._positions[-1], last.connect)

    def _after(self, position: int) -> int:
        return bisect_right(self._positions, position)

    def _took(self, position: int, line: Event) -> Iterator[Finding]:
        index = self._after(position) - 1
        if index < 0 or self._positions[index] != position:
            stored = self._log.get(position)
            what = "that the log does not have" if stored is None else f"of {stored.topic}, which is not for it"
            yield Finding(f"{self._name} got an event {what}, at position {position}", (line,))
        elif index < self._next:
            yield Finding(f"{self._name} got position {position} after {self._positions[self._next - 1]}", (line,))
        else:
            yield from self._missed(index, line)
            self._next = index + 1
            yield from _altered(self._name, self._due[index], line)

    def _reached(self, position: int, line: Line) -> Iterator[Finding]:
        index = self._after(position)
        yield from self._missed(index, line)
        self._next = max(self._next, index)

    def _missed(self, index: int, line: Line) -> Iterator[Finding]:
        if index > self._next >= 0:
            lost = self._due[self._next]
            said = f"{self._name} did not get position {lost.position} ({lost.topic})"
            yield Finding(
                f"{said}, and {index - self._next - 1} more" if index > self._next + 1 else said, (lost, line)
            )


def _altered(name: str, stored: LogEvent, line: Event) -> Iterator[Finding]:
    if (line.topic, line.type, line.data) != (stored.topic, stored.type, stored.data):
        yield Finding(f"{name} got position {stored.position} otherwise than the log has it", (stored, line))


def cursors(case: Case) -> Iterator[Finding]:
    """Yield each cursor that was not honoured: by a reset, or by a stream that begins elsewhere."""
    for connection in case.connections:
        asked = connection.connect
        for line in connection.heard:
            if isinstance(line, Reset):
                said = f"{asked.process} came with the cursor {asked.since} and was reset ({line.reason})"
                yield Finding(said, (asked, line))
        welcome = connection.welcome
        if welcome is None or asked.since in {None, "0"}:
            continue
        reset = any(isinstance(line, Reset) for line in connection.heard)
        if not reset and position_of(welcome.cursor) != position_of(str(asked.since)):
            said = f"{asked.process} came with the cursor {asked.since} and was let in at {welcome.cursor}"
            yield Finding(said, (asked, welcome))
