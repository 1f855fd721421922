"""What a run of the lesson comes to: the film of the account, what looks back have found, and the mailbox."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from quart_app.lab.running import Played
from quart_app.lab.strip import Cell, Kind, Row, Said, Strip

LETTERS = "✕", "●", "②", "③", "④", "⑤", "⑥", "⑦", "⑧", "⑨"
NOTHING = "·"


@dataclass
class Look:
    """A look back to a position: the balance that it has shown, None where none, and the one that there was. In a "what
    if" another amount stood at `changed`."""

    until: int
    changed: int | None
    right: int
    shown: int | None = None


@dataclass
class Tally:
    """What a run comes to. Positions begin at 1."""

    amounts: list[int] = field(default_factory=list)
    balances: list[int] = field(default_factory=list)
    letters: list[int] = field(default_factory=list)
    """How many e-mails were delivered, by the position that they are about."""
    recognised: int = 0
    """The e-mails that came again and were not delivered."""
    looks: list[Look] = field(default_factory=list)
    closed: bool = False

    @property
    def plain(self) -> list[Look]:
        """Return the looks back in which nothing is changed."""
        return [look for look in self.looks if look.changed is None]

    @property
    def extra(self) -> int:
        """Return how many e-mails were too many."""
        return sum(max(0, times - 1) for times in self.letters)

    @property
    def missing(self) -> list[str]:
        """Return the positions of which no e-mail has come, and none will."""
        return [str(at) for at, times in enumerate(self.letters, 1) if not times and self.closed]

    def add(self, event: Mapping[str, Any]) -> None:
        """Take note of an event."""
        match event:
            case {"do": "commit", "pos": _, "amount": amount, "sum": balance}:
                self.amounts.append(amount)
                self.balances.append(balance)
                self.letters.append(0)
            case {"do": "commit", "letter": _, "msg": name}:
                self.letters[int(name[1:]) - 1] += 1
            case {"do": "known"}:
                self.recognised += 1
            case {"do": "state", "until": until}:
                self._look(until, event.get("changed"), event.get("instead", 0))
            case {"do": "show", "until": until, "value": value}:
                next(look for look in reversed(self.looks) if look.until == until).shown = value
            case {"do": "done", "pos": _}:
                self.closed = True

    def _look(self, until: int, changed: int | None, instead: int) -> None:
        right = self.balances[until - 1] if until else 0
        if changed is not None and changed <= until:
            right += instead - self.amounts[changed - 1]
        self.looks.append(Look(until, changed, right))


def tally(events: Iterable[Mapping[str, Any]]) -> Tally:
    """Return what a run comes to."""
    found = Tally()
    for event in events:
        found.add(event)
    return found


def figures(played: Sequence[Played]) -> dict[str, Any]:
    """Return the figures of the lesson's texts, of a run of all its strategies."""
    last, again, ours = (tally(one.events) for one in played)
    fact = max(range(len(again.letters)), key=again.letters.__getitem__)
    look, what_if = ours.plain[0], ours.looks[-1]
    return {
        "facts": len(ours.balances),
        "missing": len(last.missing),
        "letters": sum(again.letters),
        "ours": sum(ours.letters),
        "fact": fact + 1,
        "times": again.letters[fact],
        "until": look.until,
        "balance": look.right,
        "present": last.plain[0].shown,
        "changed": what_if.changed,
        "what_if": what_if.right,
    }


def _sign(sign: object, kind: Kind, position: int) -> Cell:
    return Cell(f"{sign:>3}"[:3], kind, str(position))


def _found(look: Look | None, position: int) -> Cell:
    if look is None or look.shown is None:
        return _sign(NOTHING if look is None else "?", "idle" if look is None else "open", position)
    right = look.shown == look.right
    return _sign(look.shown if right else f"≠{look.shown}", "right" if right else "wrong", position)


def _letters(times: int, position: int, *, closed: bool) -> Cell:
    if not times:
        return _sign(LETTERS[0] if closed else "?", "lost" if closed else "open", position)
    return _sign(LETTERS[min(times, len(LETTERS) - 1)], "right" if times == 1 else "twice", position)


def strip(events: Iterable[Mapping[str, Any]]) -> Strip:
    """Return the result strip: the film with the balance at each position, what was found there later, the mailbox."""
    found = tally(events)
    looks = {look.until: look for look in found.plain}
    positions = range(1, len(found.balances) + 1)
    rows = (
        Row(tuple(_sign(at, "idle", at) for at in positions), Said("row_positions")),
        Row(tuple(_sign(balance, "idle", at) for at, balance in enumerate(found.balances, 1)), Said("row_live")),
        Row(tuple(_found(looks.get(at), at) for at in positions), Said("row_found")),
        Row(
            tuple(_letters(times, at, closed=found.closed) for at, times in enumerate(found.letters, 1)),
            Said("row_letters"),
        ),
    )
    notes = [Said("missing", {"list": found.missing}), Said("extra", {"n": found.extra, "known": found.recognised})]
    notes += [
        Said("what_if", {"changed": look.changed, "until": look.until, "told": look.shown, "right": look.right})
        for look in found.looks
        if look.changed is not None and look.shown is not None
    ]
    outcome = Said("outcome", {"facts": len(found.balances), "letters": sum(found.letters)})
    return Strip(outcome, rows, tuple(notes))
