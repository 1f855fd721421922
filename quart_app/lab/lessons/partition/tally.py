"""What a run of the lesson comes to: the tickets of each seat, what was said of them, and the claps."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from quart_app.lab.checker.rules.parted import GRACE
from quart_app.lab.running import Played
from quart_app.lab.strip import Cell, Row, Said, Strip

FAR = "A"
"""The node that is cut off from the log."""


@dataclass
class Tally:
    """The tickets of each seat by the node that sold them, and the rest."""

    tickets: dict[int, list[tuple[str, str]]] = field(default_factory=dict)
    """By seat who got one, and from which node."""
    sold_in_the_cut: list[str] = field(default_factory=list)
    """The nodes that sold something while the cable was cut, once for each sale."""
    unavailable: int = 0
    looks: list[tuple[int, int, int | None]] = field(default_factory=list)
    """Of each look, how many seats were said to be sold, how many were a while ago, and up to where that was known."""
    sales: list[float] = field(default_factory=list)
    """When each seat was sold first."""
    claps: int = 0
    counted: dict[str, int] = field(default_factory=dict)

    @property
    def doubled(self) -> list[int]:
        """Return the seats that have more than one ticket."""
        return [seat for seat, tickets in sorted(self.tickets.items()) if len(tickets) > 1]


def tally(events: Iterable[Mapping[str, Any]]) -> Tally:
    """Return what a run comes to."""
    found, is_cut = Tally(), False
    for event in events:
        match event["do"]:
            case "cut" | "heal":
                is_cut = event["do"] == "cut"
            case "take":
                found.tickets.setdefault(event["seat"], [])
            case "commit" if "seat" in event:
                found.sales += [event["t"]] * (not found.tickets[event["seat"]])
                found.tickets[event["seat"]].append((event["who"], event["lane"]))
                found.sold_in_the_cut += [event["lane"]] * is_cut
            case "commit":
                found.claps += 1
            case "refuse" if event.get("status") == 503:
                found.unavailable += 1
            case "show":
                sold = sum(at <= event["t"] - GRACE for at in found.sales)
                found.looks.append((event["sold"], sold, event.get("until")))
            case "state":
                found.counted[event["lane"]] = event["claps"]
    return found


def _side(seat: int, tickets: Sequence[tuple[str, str]], *, far: bool) -> Cell:
    who = [who for who, node in tickets if (node == FAR) is far]
    if not who:
        return Cell("·", "idle", str(seat))
    return Cell(who[0][0].upper(), "twice" if len(tickets) > 1 else "right", str(seat))


def _seat(seat: int, tickets: Sequence[tuple[str, str]]) -> Cell:
    if not tickets:
        return Cell("·", "open", str(seat))
    return Cell("●" if len(tickets) == 1 else "②", "right" if len(tickets) == 1 else "twice", str(seat))


def _look(number: int, look: tuple[int, int, int | None]) -> Cell:
    said, right, until = look
    if until is not None:
        return Cell("≤", "late", str(number))
    return Cell("✓" if said >= right else "✕", "right" if said >= right else "wrong", str(number))


def figures(played: Sequence[Played]) -> dict[str, int]:
    """Return the figures of the lesson's texts, of a run of all its strategies."""
    both, merge, ours = (tally(one.events) for one in played)
    return {
        "doubled": len(both.doubled),
        "kept": len(merge.doubled),
        "lost_claps": both.claps - min(both.counted.values()),
        "unavailable": ours.unavailable,
        "marked": sum(until is not None for _, _, until in ours.looks),
        "seat": both.doubled[0],
    }


def strip(events: Iterable[Mapping[str, Any]]) -> Strip:
    """Return the result strip: a column for each seat and a row for each side, and what the third one was told."""
    found = tally(events)
    seats = sorted(found.tickets.items())
    rows = (
        Row(tuple(_side(*one, far=True) for one in seats), Said("row_far")),
        Row(tuple(_side(*one, far=False) for one in seats), Said("row_near")),
        Row(tuple(_seat(*one) for one in seats), Said("row_seats")),
        Row(tuple(_look(number, look) for number, look in enumerate(found.looks, 1)), Said("row_looks")),
    )
    counted = [f"{name} {claps}" for name, claps in found.counted.items()]
    claps = Said("claps", {"all": found.claps, "list": counted})
    sides = {"far": found.sold_in_the_cut.count(FAR), "unavailable": found.unavailable}
    sides["near"] = len(found.sold_in_the_cut) - sides["far"]
    return Strip(Said("outcome", {"list": found.doubled}), rows, (Said("sides", sides), claps))
