"""What a run of the lesson comes to: the two ledgers, and how far a withdrawal had come when the server crashed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from quart_app.lab.lessons.idempotency.grid import grid, survivors
from quart_app.lab.lessons.idempotency.ledgers import BEGIN, SIGNS
from quart_app.lab.running import Played
from quart_app.lab.strip import Cell, Kind, Row, Said, Strip

CRASH = "↯"
EFFECTS = "✕", "●", "②", "③", "④"


@dataclass
class Deed:
    """A withdrawal: how often its money was moved, where its key is, and whether it was answered."""

    moved: int = 0
    key: str = ""
    answered: bool = False


@dataclass
class Crash:
    """A crash: when it was (s), in which withdrawal, and what had been done of that."""

    at: float
    name: str
    steps: tuple[str, ...]


@dataclass
class Tally:
    """What a run comes to, in dollars and withdrawals."""

    start: int = 0
    account: int = 0
    pockets: int = 0
    deeds: dict[str, Deed] = field(default_factory=dict)
    crashes: list[Crash] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    """Those of the request that is being served."""
    serves: str = ""

    @property
    def twice(self) -> list[str]:
        """Return the withdrawals that were moved more than once."""
        return [name for name, deed in self.deeds.items() if deed.moved > 1]

    @property
    def never(self) -> list[str]:
        """Return the withdrawals that were answered and never moved."""
        return [name for name, deed in self.deeds.items() if deed.answered and not deed.moved]

    def add(self, event: Mapping[str, Any]) -> None:
        """Take note of an event."""
        name = event.get("msg", "").lstrip("r")
        match event:
            case {"do": "state", "sum": start}:
                self.start = self.account = start
            case {"do": "take"}:
                self.deeds[name] = Deed()
            case {"do": "done", "amount": amount}:
                self.pockets += amount
                self.deeds[name].answered = True
            case {"do": "commit", "amount": _, "sum": account}:
                self.account = account
                self.deeds[name].moved += 1
            case {"do": "commit", "kept": _}:
                self.deeds[name].key = SIGNS["keep"]
            case {"do": "state", "value": sign}:
                self._step(name, sign)
            case {"do": "ack"}:
                self.steps.clear()
            case {"do": "crash", "t": at}:
                self._crash(at)

    def _step(self, name: str, sign: str) -> None:
        if sign == BEGIN:
            self.steps.clear()
        self.serves = name
        self.steps.append(sign)
        if sign == f"({SIGNS['keep']})":
            self.deeds[name].key = sign

    def _crash(self, at: float) -> None:
        self.crashes.append(Crash(at, self.serves if self.steps else "", tuple(self.steps)))
        self.steps.clear()
        for deed in self.deeds.values():
            if deed.key.startswith("("):
                deed.key = ""


def tally(events: Iterable[Mapping[str, Any]]) -> Tally:
    """Return what a run comes to."""
    found = Tally()
    for event in events:
        found.add(event)
    return found


def figures(played: Sequence[Played]) -> dict[str, Any]:
    """Return the figures of the lesson's texts, of a run of all its strategies."""
    memory, after, first, _ = (tally(one.events) for one in played)
    return {
        "memory": len(memory.twice),
        "after": len(after.twice),
        "first": len(first.never),
        "withdrawal": int(after.twice[0]),
        "orders": len(grid()),
        "survive": len(survivors()),
    }


def _effect(times: int, name: str, *, is_open: bool = False) -> Cell:
    if is_open:
        return Cell("?", "open", name)
    kind: Kind = "lost" if times == 0 else "right" if times == 1 else "twice"
    return Cell(EFFECTS[min(times, len(EFFECTS) - 1)], kind, name)


def _key(deed: Deed, name: str) -> Cell:
    if not deed.key:
        return Cell("-", "lost" if deed.answered else "open", name)
    return Cell(deed.key, "right" if deed.key == SIGNS["keep"] else "late", name)


def _crash(crash: Crash) -> Row:
    cells = (*(Cell(step, "idle", crash.name) for step in crash.steps), Cell(CRASH, "wrong", crash.name))
    if crash.name:
        return Row(cells, Said("row_crash", {"at": crash.at, "msg": crash.name}))
    return Row(cells, Said("row_crash_idle", {"at": crash.at}))


def strip(events: Iterable[Mapping[str, Any]]) -> Strip:
    """Return the result strip: the two ledgers, a cell for each withdrawal, and a row for each crash."""
    found = tally(events)
    moved = tuple(
        _effect(deed.moved, name, is_open=not deed.moved and not deed.answered) for name, deed in found.deeds.items()
    )
    keys = tuple(_key(deed, name) for name, deed in found.deeds.items())
    rows = Row(moved, Said("row_money")), Row(keys, Said("row_keys")), *map(_crash, found.crashes)
    outcome = Said("outcome", {"account": found.account, "pockets": found.pockets, "start": found.start})
    return Strip(outcome, rows, (Said("twice", {"list": found.twice}), Said("never", {"list": found.never})))


def sweep() -> Strip:
    """Return what the lesson plays beside its runs: every order of the steps, with a crash at each point."""
    rows = tuple(
        Row(
            tuple(_effect(times, str(point)) for point, times in enumerate(row)),
            Said("row_order", {"order": _order(order)}),
        )
        for order, row in grid().items()
    )
    return Strip(Said("sweep", {"survive": len(survivors()), "orders": len(rows)}), rows)


def _order(order: Sequence[str]) -> str:
    """Return an order as a bracket around what one commit stores; what stands behind it is stored by itself."""
    return " ".join([BEGIN, *(SIGNS[step] for step in order)])
