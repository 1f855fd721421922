"""The checks of what was written: positions, acknowledgements, orders, keys, leases."""

from collections.abc import Iterator
from itertools import pairwise

from tests.cluster.case import Case, Command, Finding
from tests.cluster.rows import TermWrite


def positions(case: Case) -> Iterator[Finding]:
    """Yield each place where the positions of the log do not follow each other."""
    before = case.floor
    for event in case.log:
        if event.position != before + 1:
            yield Finding(f"position {event.position} comes after position {before}", (event,))
        before = event.position


def acknowledged(case: Case) -> Iterator[Finding]:
    """Yield each command that is not in the log as often as its answers promise, and each event that nobody asked
    for."""
    for mark, command in case.marked.items():
        events = case.stored.get(mark, [])
        if len(events) > 1:
            yield Finding(f"{_told(command)} is in the log {len(events)} times", (*command.lines, *events))
        elif events and command.refused:
            yield Finding(f"{_told(command)} was refused and is in the log", (*command.lines, *events))
        elif not events and command.ok is not None:
            yield Finding(f"{_told(command)} was acknowledged and is not in the log", command.lines)
    for mark, events in case.stored.items():
        if mark not in case.marked:
            yield Finding(f"nobody has asked for the event at position {events[0].position}", tuple(events))


def sender_order(case: Case) -> Iterator[Finding]:
    """Yield each command that is in the log before an earlier one of its sender."""
    last: dict[str, tuple[Command, int]] = {}
    for command, position in case.acknowledged:
        earlier, at = last.get(command.process, (command, 0))
        if position < at:
            said = f"{_told(command)} is at position {position}, and what it sent before is at {at}"
            yield Finding(said, (*earlier.lines, *command.lines))
        else:
            last[command.process] = command, position


def real_time(case: Case) -> Iterator[Finding]:
    """Yield each command that is in the log before one that was acknowledged when it was asked for."""
    asks = [(command.invoked, False, at, command) for command in case.marked.values() if (at := case.position(command))]
    acks = [(command.ok.at, True, at, command) for command, at in case.acknowledged if command.ok is not None]
    newest: tuple[int, Command | None] = (0, None)
    for _, answered, at, command in sorted([*asks, *acks], key=lambda moment: moment[:2]):
        highest, done = newest
        if answered:
            newest = newest if at < highest else (at, command)
        elif at < highest and done is not None:
            said = f"{_told(command)} is at position {at}, and what was acknowledged before is at {highest}"
            yield Finding(said, (*done.lines, *command.lines))


def keys(case: Case) -> Iterator[Finding]:
    """Yield each key that got two answers."""
    for command in case.commands:
        for one, other in pairwise(command.oks):
            if one.answer != other.answer:
                key = command.attempts[0].invoke.key
                yield Finding(f"the key {key} got two answers: {one.answer} and {other.answer}", command.lines)


def leases(case: Case) -> Iterator[Finding]:
    """Yield each write of a term that was over, and each term of two holders."""
    newest: dict[str, TermWrite] = {}
    for write in sorted(case.terms, key=lambda write: write.position):
        before = newest.setdefault(write.lease, write)
        at = f"at position {write.position} under the lease {write.lease}"
        if write.term < before.term:
            said = f"{write.holder} wrote {at} in term {write.term}, when term {before.term} had written"
            yield Finding(said, (before, write))
        elif write.term == before.term and write.holder != before.holder:
            yield Finding(
                f"{write.holder} wrote {at} in term {write.term}, which is {before.holder}'s", (before, write)
            )
        newest[write.lease] = max(before, write, key=lambda one: one.term)


def _told(command: Command) -> str:
    return f"{command.do} of {command.process} ({', '.join(map(str, command.mark or ()))})"
