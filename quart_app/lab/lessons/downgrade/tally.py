"""What a run of the lesson comes to: the messages that were shown, and by which way."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from quart_app.lab.lessons.downgrade.scenario import MESSAGES
from quart_app.lab.running import Played
from quart_app.lab.strip import Cell, Row, Said, Strip

LATE = 1.0
"""The time from which on a message comes late (s)."""
LETTERS = {"ws": "W", "sse": "S", "poll": "P", "none": "·"}


@dataclass
class Tally:
    """By number, when each message was published, on which rung the phone stood then, and when it was shown."""

    published: dict[int, float] = field(default_factory=dict)
    rungs: dict[int, str] = field(default_factory=dict)
    shown: dict[int, list[float]] = field(default_factory=dict)
    moves: list[Mapping[str, Any]] = field(default_factory=list)
    """The events in which it got onto a rung."""
    newest: int = 0
    """The newest that was shown, all of them at the end."""

    @property
    def holes(self) -> list[int]:
        """Return the messages that were not shown, though a newer one was."""
        return [number for number in self.published if number not in self.shown and number < self.newest]

    @property
    def dark(self) -> float:
        """Return the longest time in which nothing was shown (s)."""
        times = [time for shown in self.shown.values() for time in shown]
        return max((b - a for a, b in pairwise(sorted(times))), default=0.0)


def tally(events: Iterable[Mapping[str, Any]]) -> Tally:
    """Return what a run comes to."""
    found, rung = Tally(), "none"
    for event in events:
        match event["do"]:
            case "commit":
                found.published[event["pos"]] = event["t"]
                found.rungs[event["pos"]] = rung
            case "show":
                found.shown.setdefault(event["pos"], []).append(event["t"])
                found.newest = max(found.newest, event["pos"])
            case "rung":
                rung = event["rung"]
                found.moves += [event] if rung != "none" else []
            case "done":
                found.newest = MESSAGES + 1
    return found


def figures(played: Sequence[Played]) -> dict[str, int | float]:
    """Return the figures of the lesson's texts, of a run of all its strategies."""
    ws_only, switch, ladder = (tally(one.events) for one in played)
    return {
        "ws_only": len(ws_only.shown),
        "switch": len(switch.shown),
        "hole": switch.holes[0],
        "ladder": len(ladder.shown),
        "dark": ladder.dark,
    }


def _cell(number: int, found: Tally) -> Cell:
    times = found.shown.get(number, [])
    if number not in found.published:
        return Cell("·", "idle", str(number))
    if not times:
        return Cell("✕", "lost", str(number)) if number < found.newest else Cell("?", "open", str(number))
    if len(times) > 1:
        return Cell("②", "twice", str(number))
    late = times[0] - found.published[number] > LATE
    return Cell("○", "late", str(number)) if late else Cell("●", "right", str(number))


def _way(number: int, found: Tally) -> Cell:
    rung = found.rungs.get(number)
    return Cell(LETTERS[rung or "none"], "idle" if rung in {None, "none"} else "right")


def _move(event: Mapping[str, Any]) -> Said:
    values = {"at": event["t"], "way": LETTERS[event["rung"]], "since": event.get("since")}
    return Said("moved" if "since" in event else "moved_now", values)


def strip(events: Iterable[Mapping[str, Any]]) -> Strip:
    """Return the result strip: a cell for each message, and below it the rung on which the phone stood."""
    found = tally(events)
    tape = Row(tuple(_cell(number, found) for number in range(1, MESSAGES + 1)), Said("tape"))
    ways = Row(tuple(_way(number, found) for number in range(1, MESSAGES + 1)), Said("ways"))
    outcome = Said("outcome", {"shown": len(found.shown), "holes": len(found.holes)})
    return Strip(outcome, (tape, ways), tuple(_move(event) for event in found.moves[1:]))
