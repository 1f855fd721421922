"""What a run of the lesson comes to, in dollars and payments."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from quart_app.lab.checker import History
from quart_app.lab.running import Played
from quart_app.lab.strip import Cell, Kind, Row, Said, Strip


@dataclass
class Tally:
    """The bank's money ($), and how often each payment was booked; None where it may still be."""

    money: int = 0
    booked: dict[str, int | None] = field(default_factory=dict)

    @property
    def lost(self) -> list[str]:
        """Return the payments that were never booked."""
        return [name for name, times in self.booked.items() if times == 0]

    @property
    def doubled(self) -> list[str]:
        """Return the payments that were booked more than once."""
        return [name for name, times in self.booked.items() if (times or 0) > 1]


def _cell(name: str, times: int | None) -> Cell:
    if times is None:
        return Cell("?", "open", name)
    kind: Kind = "lost" if times == 0 else "right" if times == 1 else "twice"
    return Cell(("✕", "●", "②", "③", "④")[min(times, 4)], kind, name)


def tally(events: Iterable[Mapping[str, Any]]) -> Tally:
    """Return what a run comes to."""
    history, found = History(), Tally()
    for event in events:
        history.add(event)
        if event["do"] == "commit":
            found.money += event["amount"]
    waiting = set(history.unsettled())
    for name, story in history.stories.items():
        times = len(story.commits)
        found.booked[name.lstrip("p")] = None if not times and name in waiting else times
    return found


def figures(played: Sequence[Played]) -> dict[str, int]:
    """Return the figures of the lesson's texts, of a run of all its strategies."""
    once, retry, _ = (tally(one.events) for one in played)
    return {"lost": len(once.lost), "doubled": retry.money - len(retry.booked), "payment": int(retry.doubled[-1])}


def strip(events: Iterable[Mapping[str, Any]]) -> Strip:
    """Return the result strip: a cell for each payment."""
    found = tally(events)
    cells = tuple(_cell(name, times) for name, times in found.booked.items())
    notes = Said("lost", {"list": found.lost}), Said("twice", {"list": found.doubled})
    return Strip(Said("outcome", {"money": found.money}), (Row(cells),), notes)
