"""The judge of a cluster: what En Vivo promises, as twelve checks of a history and of the rows behind it.

Other such checkers have to guess in which order things have happened. Here the log *is* the order, so nothing is
searched for: every check goes once through what it looks at.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from tests.cluster.case import Case, Finding
from tests.cluster.checks import presence, reading, replaying, signals, writing
from tests.cluster.history import Event, Gap, Line, Present, shown
from tests.cluster.rows import LogEvent, Rows, TermWrite


class Check(NamedTuple):
    """A promise, what finds where it is broken, and how much there is to look at."""

    promise: str
    find: Callable[[Case], Iterator[Finding]]
    count: Callable[[Case], int]


class Verdict(NamedTuple):
    """What came of a check: how much it looked at, how many findings there are, and the first of them."""

    number: int
    promise: str
    looked_at: int
    found: int = 0
    first: Finding | None = None
    lines: tuple[str, ...] = ()
    """The shortest stretch of the history that shows it: the lines it takes, each with its number."""

    def __str__(self) -> str:
        if self.first is None:
            return f"{self.number:2} ok    {self.promise} ({self.looked_at:,})"
        more = f" (and {self.found - 1} more)" if self.found > 1 else ""
        return "\n      ".join((f"{self.number:2} WRONG {self.promise}: {self.first.sentence}{more}", *self.lines))


def _events(case: Case) -> int:
    return sum(isinstance(line, Event) and line.cursor is not None for line in case.lines)


def _signals(case: Case) -> int:
    return sum(isinstance(line, Event | Gap) and getattr(line, "cursor", None) is None for line in case.lines)


CHECKS: Final = {
    1: Check("the positions of the log follow each other, without a hole", writing.positions, lambda c: len(c.log)),
    2: Check("a reader gets every event of its topics once, in order", reading.readers, _events),
    3: Check(
        "what was acknowledged is in the log once, what was refused never",
        writing.acknowledged,
        lambda c: len(c.marked),
    ),
    4: Check("what one sender sends keeps its order", writing.sender_order, lambda c: len(c.acknowledged)),
    5: Check("what was acknowledged is before all that is asked later", writing.real_time, lambda c: len(c.marked)),
    6: Check(
        "events and answers are what the rules say at that position", replaying.answers, lambda c: len(c.commands)
    ),
    7: Check("rows are what the events make", replaying.tables, lambda c: sum(len(rows) for rows in c.tables.values())),
    8: Check("a key gets one answer", writing.keys, lambda c: sum(len(one.oks) > 1 for one in c.commands)),
    9: Check("a signal comes once, or its loss is told", signals.signals, _signals),
    10: Check(
        "who is connected is present, and nobody else",
        presence.presence,
        lambda c: sum(isinstance(line, Present) for line in c.lines),
    ),
    11: Check("no lease is written under by two", writing.leases, lambda c: len(c.terms)),
    12: Check(
        "a cursor is good everywhere",
        reading.cursors,
        lambda c: sum(one.connect.since is not None for one in c.connections),
    ),
}


def judge(lines: Sequence[Line], rows: Rows) -> list[Verdict]:
    """Return what came of each check."""
    case = Case(lines, rows)
    numbers = {id(line): number for number, line in enumerate(lines, 1)}
    return [_verdict(number, check, case, numbers) for number, check in CHECKS.items()]


def _verdict(number: int, check: Check, case: Case, numbers: dict[int, int]) -> Verdict:
    def ends(finding: Finding) -> int:
        """How much of the history it takes to see this."""
        return max((numbers.get(id(line), 0) for line in finding.evidence), default=len(numbers))

    findings = list(check.find(case))
    first = min(findings, key=ends, default=None)
    lines: tuple[str, ...] = ()
    if first is not None:
        lines = tuple(_line(one, numbers) for one in sorted(first.evidence, key=lambda one: numbers.get(id(one), 0)))
    return Verdict(number, check.promise, check.count(case), len(findings), first, lines)


def _line(line: Line | LogEvent | TermWrite, numbers: dict[int, int]) -> str:
    return f"rows: {line}" if isinstance(line, LogEvent | TermWrite) else f"line {numbers[id(line)]}: {shown(line)}"
