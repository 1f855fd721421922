"""What a run of the lesson comes to: what was held for the slow reader, who fell behind, and what was lost."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from quart_app.lab.lessons.slow.feed import KINDS
from quart_app.lab.lessons.slow.scenario import LOOK, MOST, READERS
from quart_app.lab.running import Played
from quart_app.lab.strip import Bars, Cell, Row, Said, Strip

LATE = 1.0
"""The time from which on something comes late (s)."""
WAY = 0.1
"""The time that something may take to a reader that is not behind (s)."""
QUICK, SLOW = READERS
KB = 1024


@dataclass
class Reader:
    """What one reader was shown, by name with the time; `told` is how many things it was told to have lost."""

    shown: dict[str, float] = field(default_factory=dict)
    newest: dict[str, int] = field(default_factory=dict)
    """By kind, the number of the newest."""
    told: int = 0
    behind: list[int] = field(default_factory=list)
    """Each `LOOK`, how many things that came in later than the newest it was shown should be there by then."""
    held: list[int] = field(default_factory=list)
    """Each `LOOK`, what is held for it (bytes)."""
    holds: int = 0
    place: int = 0


@dataclass
class Tally:
    """What has come in, in order, and what became of it."""

    taken: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    readers: dict[str, Reader] = field(default_factory=lambda: {name: Reader() for name in READERS})
    times: list[float] = field(default_factory=list)
    """When each came in (s)."""
    done: bool = False

    def look(self, until: float) -> None:
        """Note how it stands at each moment up to a time (s)."""
        for reader in self.readers.values():
            while (now := (len(reader.behind) + 1) * LOOK) < until:
                reader.behind.append(max(0, bisect_right(self.times, now - WAY) - reader.place))
                reader.held.append(reader.holds)

    def latest(self, name: str) -> float:
        """Return by how much a reader was late at most (s)."""
        reader = self.readers[name]
        return max((time - self.taken[msg]["t"] for msg, time in reader.shown.items()), default=0.0)

    @property
    def missing(self) -> list[str]:
        """Return what the slow reader will not be shown, though it counts."""
        return [msg for msg, event in self.taken.items() if self._is_gone(event) and "latest" not in event]

    def _is_gone(self, event: Mapping[str, Any]) -> bool:
        slow = self.readers[SLOW]
        return event["msg"] not in slow.shown and (self.done or event["pos"] < slow.newest.get(event["kind"], 0))

    def cell(self, event: Mapping[str, Any]) -> Cell:
        """Return what has become of something for the slow reader."""
        slow, name = self.readers[SLOW], event["msg"]
        if name in slow.shown:
            late = slow.shown[name] - event["t"] > LATE
            return Cell("○", "late", name) if late else Cell("●", "right", name)
        if not self._is_gone(event):
            return Cell("?", "open", name)
        if "latest" in event:
            return Cell("–", "idle", name)
        return Cell("△", "late", name) if name in self.missing[: slow.told] else Cell("✕", "lost", name)


def tally(events: Iterable[Mapping[str, Any]]) -> Tally:
    """Return what a run comes to."""
    found, places = Tally(), dict[str, int]()
    for event in events:
        found.look(event["t"])
        reader = found.readers.get(event["lane"], Reader())
        match event["do"]:
            case "take":
                found.taken[event["msg"]] = event
                found.times.append(event["t"])
                places[event["msg"]] = len(found.taken)
            case "show":
                reader.shown[event["msg"]] = event["t"]
                reader.newest[event["kind"]] = event["pos"]
                reader.place = max(reader.place, places[event["msg"]])
            case "say":
                reader.told += event.get("gap", 0)
            case "hold":
                found.readers[event["who"]].holds = event["bytes"]
            case "done":
                found.done = True
    return found


def _most_held(found: Tally) -> int:
    slow = found.readers[SLOW]
    return max(*slow.held, slow.holds, 0) // KB if slow.held else 0


def figures(played: Sequence[Played]) -> dict[str, int | float]:
    """Return the figures of the lesson's texts, of a run of all its strategies."""
    queue, wait, drop, cursor = (tally(one.events) for one in played)
    return {
        "held": _most_held(queue),
        "limit": MOST // KB,
        "late": wait.latest(QUICK),
        "lost": len(drop.missing),
        "flat": _most_held(cursor),
        "told": cursor.readers[SLOW].told,
    }


def strip(events: Iterable[Mapping[str, Any]]) -> Strip:
    """Return the result strip: what is held for the slow reader, how far both are behind, and what it was shown."""
    found = tally(events)
    quick, slow = (found.readers[name] for name in READERS)
    held = Bars(tuple(float(one // KB) for one in slow.held), Said("held"), LOOK, LOOK, "s", MOST / KB)
    behind = [
        Bars(tuple(map(float, reader.behind)), Said(f"behind_{name}"), LOOK, LOOK)
        for name, reader in ((QUICK, quick), (SLOW, slow))
    ]
    rows = [
        Row(tuple(found.cell(event) for event in found.taken.values() if event["kind"] == kind), Said(f"row_{kind}"))
        for kind in KINDS
    ]
    outcome = {"held": _most_held(found), "late": found.latest(QUICK), "lost": len(found.missing), "told": slow.told}
    return Strip(Said("outcome", outcome), (held, *behind, *rows))
