"""What a run of the lesson comes to: the readings of each second, and who has written them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from quart_app.lab.running import Played
from quart_app.lab.strip import Cell, Row, Said, Strip

NAMES = ("A", "B", "C")


@dataclass
class Tally:
    """The readings of each second by who has written them, and what else there was to see of each node."""

    written: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    refused: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    absent: dict[tuple[int, str], str] = field(default_factory=dict)
    """By second and node whether it slept (`pause`) or was dead (`crash`)."""
    until: int = 0

    @property
    def doubled(self) -> list[int]:
        """Return the seconds that have more than one reading."""
        return [second for second, names in self.written.items() if len(names) > 1]

    @property
    def empty(self) -> int:
        """Return how many seconds have none."""
        return sum(not self.written.get(second) for second in range(1, self.until))


def tally(events: Iterable[Mapping[str, Any]]) -> Tally:
    """Return what a run comes to."""
    found, away = Tally(), dict[str, str]()
    for event in events:
        for second in range(found.until, int(event["t"]) + 1):
            found.absent |= {(second, name): why for name, why in away.items()}
        found.until = int(event["t"])
        match event["do"]:
            case "commit":
                found.written[found.until].append(event["who"])
            case "refuse":
                found.refused[found.until].append(event["msg"][0])
            case "pause" | "crash":
                away[event["lane"]] = event["do"]
            case "resume" | "boot":
                away.pop(event["lane"], None)
    return found


def _node(found: Tally, second: int, name: str) -> Cell:
    if name in found.written.get(second, ()):
        twice = len(found.written[second]) > 1
        return Cell("●", "twice" if twice else "right", f"{name} {second}")
    if name in found.refused.get(second, ()):
        return Cell("⊘", "wrong", f"{name} {second}")
    sign = {"pause": "z", "crash": "†"}.get(found.absent.get((second, name), ""), "·")
    return Cell(sign, "idle", f"{name} {second}")


def _log(found: Tally, second: int) -> Cell:
    count = len(found.written.get(second, ()))
    if count == 0:
        return Cell("·", "open" if second == found.until else "idle", str(second))
    return Cell(("●", "②", "③", "④")[min(count, 4) - 1], "right" if count == 1 else "twice", str(second))


def figures(played: Sequence[Played]) -> dict[str, int]:
    """Return the figures of the lesson's texts, of a run of all its strategies."""
    everybody, lowest, lease, fenced = (tally(one.events) for one in played)
    return {
        "everybody": len(everybody.doubled),
        "lowest": len(lowest.doubled),
        "lease": len(lease.doubled),
        "second": lease.doubled[0],
        "refused": sum(map(len, fenced.refused.values())),
        "empty": fenced.empty,
    }


def strip(events: Iterable[Mapping[str, Any]]) -> Strip:
    """Return the result strip: a column for each second, a row for each node, and below what is in the log."""
    found = tally(events)
    seconds = range(1, found.until + 1)
    rows = [Row(tuple(_node(found, one, name) for one in seconds), Said("row_node", {"name": name})) for name in NAMES]
    rows.append(Row(tuple(_log(found, one) for one in seconds), Said("row_log")))
    notes = Said("doubled", {"list": found.doubled}), Said("empty", {"n": found.empty})
    return Strip(Said("outcome", {"n": len(found.doubled)}), tuple(rows), notes)
