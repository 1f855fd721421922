"""What a run of the lesson comes to: who is in, when the last one came, and how many knocked at once."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from quart_app.lab.running import Played
from quart_app.lab.strip import Bars, Said, Strip

TENTHS = 5
"""The tenths of a second of a bar, which shows the highest of them."""
AXIS = 1_000
"""The tenths of a second that the axis has at least."""
PAUSE = 10
"""The tenths of a second without a try that part two waves."""


@dataclass
class Tally:
    """What has come of a crowd; `tries` and `vain` are those of each tenth of a second."""

    all: int = 0
    door: float = 0.0
    inside: int = 0
    last: float = 0.0
    """When the last one came in (s)."""
    tries: dict[int, int] = field(default_factory=dict)
    vain: dict[int, int] = field(default_factory=dict)
    peaks: dict[int, int] = field(default_factory=dict)
    """The tries of those tenths in which there was a door."""

    @property
    def waves(self) -> list[int]:
        """Return when there were waves at the open door, each by its first tenth."""
        tenths = sorted(self.peaks)
        return [at for before, at in zip([-PAUSE - 1, *tenths], tenths, strict=False) if at - before > PAUSE]


def tally(events: Iterable[Mapping[str, Any]]) -> Tally:
    """Return what a run comes to."""
    found = Tally()
    for event in events:
        if event["do"] == "crash":
            found.all, found.door, found.inside = event["clients"], event["rate"] / 10, 0
        elif event["do"] == "tries":
            at = math.ceil(round(event["t"] * 10, 3)) - 1
            tries, nobody, came = (event.get(name, 0) for name in ("tries", "nobody", "in"))
            found.tries[at] = found.tries.get(at, 0) + tries + nobody
            found.vain[at] = found.vain.get(at, 0) + event.get("refused", 0) + nobody
            if tries:
                found.peaks[at] = found.peaks.get(at, 0) + tries
            if came:
                found.inside += came
                found.last = float(event["t"])
    return found


def _bars(label: str, numbers: Mapping[int, int], found: Tally) -> Bars:
    length = max([AXIS, *(at + 1 for at in found.tries)])
    values = [max(numbers.get(at, 0) for at in range(first, first + TENTHS)) for first in range(0, length, TENTHS)]
    return Bars(tuple(values), Said(label), step=TENTHS / 10, limit=found.door, top=max(found.all, *values, 1))


def strip(events: Iterable[Mapping[str, Any]]) -> Strip:
    """Return the result strip: how many knocked in a tenth of a second, and below it, how many of them in vain."""
    found = tally(events)
    peak, vain = max(found.peaks.values(), default=0), sum(found.vain.values())
    notes = (
        Said("peak", {"peak": peak, "door": round(found.door)}),
        Said("vain", {"tries": sum(found.tries.values()), "vain": vain}),
    )
    values = {"inside": found.inside, "all": found.all, "last": found.last}
    outcome = Said("outcome" if found.inside else "outcome_none", values)
    return Strip(outcome, (_bars("row_tries", found.tries, found), _bars("row_vain", found.vain, found)), notes)


def figures(played: Sequence[Played]) -> dict[str, Any]:
    """Return the figures of the lesson's texts, of a run of all its strategies."""
    now, _, double, jitter, slots = (tally(one.events) for one in played)
    return {
        "now_in": now.inside,
        "waves": len(double.waves),
        "wave": round(double.waves[1] / 10),
        "double_last": double.last,
        "jitter_last": jitter.last,
        "slots_last": slots.last,
    }
