"""What a run comes to: of each person what is true and what Mia is shown, and what the difference costs."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from quart_app.lab.lessons.presence.scenario import PEOPLE
from quart_app.lab.running import Played
from quart_app.lab.strip import Cell, Row, Said, Strip

ACCUSED: Final = 10
"""The points that it costs to take somebody alive for gone; each second that somebody gone counts as here costs one."""
BEGINS: Final = {"pause": "asleep", "cut": "away"}
ENDS: Final = {"resume": "asleep", "heal": "away"}

Span = tuple[float, float]


@dataclass
class Life:
    """One person: since when they are gone, and the times (s) when they were `asleep` or `away`, and when Mia was shown
    that they are `here` or `gone`."""

    gone: float = math.inf
    spans: dict[str, list[Span]] = field(default_factory=lambda: defaultdict(list))
    shown: str = ""

    def take(self, do: str, at: float, shown: str) -> None:
        """Take note of an event of theirs; `shown` is what Mia is shown by it, if it is that."""
        if do in {"crash", "stop"}:
            self.gone = min(self.gone, at)
        elif do in BEGINS:
            self.spans[BEGINS[do]].append((at, math.inf))
        elif do in ENDS:
            self._end(ENDS[do], at)
        elif do == "state":
            self._end(self.shown, at)
            self.spans[shown].append((at, math.inf))
            self.shown = shown

    def _end(self, what: str, at: float) -> None:
        if self.spans[what]:
            self.spans[what][-1] = self.spans[what][-1][0], at

    def within(self, what: str, begin: float, end: float) -> float:
        """Return for how long something was so between two times."""
        return sum(max(0.0, min(last, end) - max(first, begin)) for first, last in self.spans[what])

    @property
    def accused(self) -> int:
        """Return how often they were taken for gone, and were alive."""
        return sum(begin < self.gone for begin, _ in self.spans["gone"])

    def late(self, until: float) -> float:
        """Return for how long they counted as here, and were gone, up to a time."""
        return self.within("here", self.gone, until)


def lives(events: Iterable[Mapping[str, Any]]) -> dict[str, Life]:
    """Return what has become of each person by the end of some events."""
    found = {name: Life() for name in PEOPLE}
    for event in events:
        if (life := found.get(event["lane"].partition("-")[0])) is not None:
            life.take(event["do"], event["t"], event.get("value", ""))
    return found


def cost(events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what it cost that Mia was shown what is not so: `points`, seconds `late`, and `false` accusations."""
    found, until = lives(events).values(), events[-1]["t"] if events else 0.0
    late, false = sum(life.late(until) for life in found), sum(life.accused for life in found)
    return {"points": round(late) + ACCUSED * false, "late": float(late), "false": false}


def figures(played: Sequence[Played]) -> dict[str, Any]:
    """Return the figures of the lesson's texts, of a run of all its strategies."""
    told: dict[str, Any] = {f"{one.strategy}_points": cost(one.events)["points"] for one in played}
    adaptive, ours = (lives(one.events) for one in played[2:])
    eva, until = adaptive["eva"], played[3].events[-1]["t"]
    told["accused"] = sum(life.accused for life in adaptive.values())
    told["eva_at"] = next(at for at, _ in eva.spans["gone"] if at > eva.spans["asleep"][0][0])
    return told | {"goodbye": ours["ana"].late(until), "died": ours["leo"].late(until)}


def strip(events: Iterable[Mapping[str, Any]]) -> Strip:
    """Return the result strip: of each person a row of what is true, second by second, and one of what Mia is shown."""
    told = list(events)
    found, until = lives(told), told[-1]["t"] if told else 0.0
    rows = []
    for name, life in found.items():
        seconds = range(math.ceil(until))
        rows.append(Row(tuple(_true(life, second) for second in seconds), Said("truth", {"who": name.title()})))
        rows.append(Row(tuple(_shown(life, second, until) for second in seconds), Said("belief")))
    late = [f"{name.title()} {life.late(until):.0f} s" for name, life in found.items() if life.late(until) > 0.5]
    accused = [f"{name.title()} ×{life.accused}" for name, life in found.items() if life.accused]
    notes = Said("accused", {"list": accused}), Said("late", {"list": late})
    return Strip(Said("outcome", cost(told)), tuple(rows), notes)


def _true(life: Life, second: int) -> Cell:
    """Return what was so in most of a second."""
    if life.gone < second + 0.5:
        return Cell("✕", "idle")
    if life.within("asleep", second, second + 1) > 0.5:
        return Cell("z", "idle")
    return Cell("~", "idle") if life.within("away", second, second + 1) > 0.5 else Cell("●", "right")


def _shown(life: Life, second: int, until: float) -> Cell:
    """Return what Mia is shown in a second: wrong where somebody alive counts as gone at all, or somebody gone counts
    as here for half of it."""
    end = min(second + 1, until)
    if life.within("gone", second, min(end, life.gone)):
        return Cell("!", "wrong")
    if life.within("here", max(second, life.gone), end) > 0.5:
        return Cell("?", "late")
    if not life.shown or life.spans["here"][0][0] > end:
        return Cell("·", "idle")
    return Cell("✕" if life.gone < second + 0.5 else "●", "right")
