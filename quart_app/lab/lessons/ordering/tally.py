"""What a run of the lesson comes to: a column of cards for each person, and what their boards show in the end."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

from quart_app.lab.checker.columns import Columns
from quart_app.lab.lessons.ordering.board import PEOPLE
from quart_app.lab.running import Played
from quart_app.lab.strip import Cell, Kind, Row, Said, Strip

Events = Iterable[Mapping[str, Any]]


def columns_of(events: Events) -> Columns:
    """Return the columns that a run comes to."""
    columns = Columns()
    for event in events:
        columns.add(event)
    for name in PEOPLE:
        columns.of.setdefault(name, [])
    return columns


def inversions(columns: Columns) -> dict[str, int]:
    """Return in how many pairs of cards two people disagree, by their names."""
    return {f"{a.title()}/{b.title()}": len(columns.inversions(a, b)) for a, b in combinations(PEOPLE, 2)}


def boards(columns: Columns) -> list[str]:
    """Return what each board shows: the shape of its last card, nothing where it is empty."""
    return [columns.of[name][-1][0] if columns.of[name] else "" for name in PEOPLE]


def figures(played: Sequence[Played]) -> dict[str, Any]:
    """Return the figures of the lesson's texts, of a run of all its strategies."""
    arrival, clock, _ = (columns_of(one.events) for one in played)
    clocks = [arrival.skews[name]["seconds"] for name in PEOPLE]
    answer, question = clock.above("ana")[0]
    return {
        "crossings": sum(inversions(arrival).values()),
        "boards": " ".join(boards(arrival)),
        "above": len(clock.above("ana")),
        "answer": answer,
        "question": question,
        "span": max(clocks) - min(clocks),
    }


def strip(events: Events) -> Strip:
    """Return the result strip: a row of cards for each person, the first one first, and a row of their boards."""
    told = list(events)
    columns = columns_of(told)
    over = {event["msg"] for event in told if event["do"] == "done"}
    rows = [Row(_cells(columns, name, over), Said("column", {"who": name.title()})) for name in PEOPLE]
    shown = boards(columns)
    alike = len({*shown}) == 1
    kind: Kind = "right" if alike else "wrong" if over else "open"
    ends = [Cell(board or "·", kind if board else "idle", name) for board, name in zip(shown, PEOPLE, strict=True)]
    above = dict.fromkeys(answer for name in PEOPLE for answer, _ in columns.above(name))
    notes = [
        Said("crossings", {"list": [f"{pair} {count}" for pair, count in inversions(columns).items() if count]}),
        Said("above", {"list": list(above)}),
    ]
    if {*PEOPLE} <= {*columns.skews}:
        notes.append(Said("clocks", {name: columns.skews[name]["seconds"] for name in PEOPLE}))
    outcome = Said("agree" if alike else "differ", {"list": " ".join(board or "·" for board in shown)})
    return Strip(outcome, (*rows, Row(tuple(ends), Said("boards"))), tuple(notes))


def _cells(columns: Columns, name: str, over: set[str]) -> tuple[Cell, ...]:
    """Return the cards of a person, and then those that have not come. What others see in another order is marked, and
    so is an answer above its question, by its sign too."""
    crossed = {card for other in PEOPLE for pair in columns.inversions(name, other) for card in pair}
    above = {answer for answer, _ in columns.above(name)}
    cells = []
    for card in columns.of[name]:
        sign = card.replace("!", "‼") if card in above else card
        cells.append(Cell(sign, "wrong" if card in crossed | above else "right", card))
    missing = [card for card in columns.takes if card not in columns.of[name]]
    return (*cells, *(Cell("✕", "lost", card) if card in over else Cell("…", "open", card) for card in missing))
