"""What a run of the lesson comes to: what each letter weighed on its way, and how long it took."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from quart_app.lab.checker.rules.ways import PROMPT
from quart_app.lab.running import Played
from quart_app.lab.strip import Bars, Cell, Row, Said, Strip

SENDING = frozenset({"send", "ack", "push"})
LASTS = 60
"""The seconds of the axis."""
TOP = 60_000
"""The bytes that a bar is as high as it can be for."""
CELL = 100
"""The bytes of a cell."""
MOST_CELLS = 60


@dataclass
class Tally:
    """All bytes, those of questions to which there was nothing to say, and what became of each letter."""

    bytes: int = 0
    in_vain: int = 0
    asks: int = 0
    empty: int = 0
    size: int = 0
    by_second: list[int] = field(default_factory=list)
    """The bytes so far, at the end of each second."""
    written: dict[str, float] = field(default_factory=dict)
    shown: dict[str, float] = field(default_factory=dict)
    """By letter, after how many seconds it was shown."""

    @property
    def per_letter(self) -> int:
        """Return the bytes that each letter took."""
        return round(self.bytes / len(self.shown)) if self.shown else 0


def tally(events: Iterable[Mapping[str, Any]]) -> Tally:
    """Return what a run comes to."""
    found, asked = Tally(), 0
    for event in events:
        found.by_second += [found.bytes] * (int(event["t"]) - len(found.by_second))
        if event["do"] in SENDING:
            found.bytes += event["bytes"]
        match event["do"]:
            case "send" if event["what"] == "ask":
                found.asks += 1
                asked = event["bytes"]
            case "ack" if not event["text"]:
                found.empty += 1
                found.in_vain += asked + event["bytes"]
            case "commit":
                found.size = event["bytes"]
                found.written[event["msg"]] = event["t"]
            case "show" if event["msg"] in found.written:
                found.shown.setdefault(event["msg"], event["t"] - found.written[event["msg"]])
    return found


def _envelope(found: Tally) -> Row:
    letters = len(found.shown)
    if not letters:
        return Row((), Said("row_weight"))
    vain = round(found.in_vain / letters / CELL)
    rest = max(1, round(found.per_letter / CELL)) - vain - 1
    cells = [Cell("●", "right"), *[Cell("▫", "idle")] * rest, *[Cell("✕", "lost")] * vain]
    return Row(tuple(cells), Said("row_weight"))


def _times(found: Tally) -> Row:
    cells = []
    for name in list(found.written)[-MOST_CELLS:]:
        waited = found.shown.get(name)
        if waited is None:
            cells.append(Cell("?", "open", name.lstrip("l")))
        else:
            cells.append(
                Cell("◐", "late", name.lstrip("l")) if waited > PROMPT else Cell("●", "right", name.lstrip("l"))
            )
    return Row(tuple(cells), Said("row_times"))


def strip(events: Iterable[Mapping[str, Any]]) -> Strip:
    """Return the result strip: a letter in its envelope, to scale; when each letter came; and all bytes over time."""
    found = tally(events)
    sums = (*found.by_second, found.bytes)[: LASTS + 3]
    bars = Bars(tuple(map(float, sums)), Said("row_bytes"), top=max(TOP, found.bytes))
    notes = (
        Said("per_letter", {"size": found.size, "bytes": found.per_letter}),
        Said("asks", {"asks": found.asks, "empty": found.empty}),
        Said("slowest", {"waited": round(1_000 * max(found.shown.values(), default=0))}),
    )
    outcome = Said("outcome", {"bytes": found.bytes, "shown": len(found.shown)})
    return Strip(outcome, (_envelope(found), _times(found), bars), notes)


def figures(played: Sequence[Played]) -> dict[str, Any]:
    """Return the figures of the lesson's texts, of a run of all its strategies."""
    found = {one.strategy: tally(one.events) for one in played}
    seldom = found["seldom"]
    return {
        **{name: one.bytes for name, one in found.items()},
        "letters": len(seldom.written),
        "size": seldom.size,
        "waited": max(seldom.shown.values()),
    }
