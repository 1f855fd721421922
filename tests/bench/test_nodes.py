"""The table of nodes tells medians, and how they compare to SQLite's in the same round."""

from tests.bench.nodes import SHAPES, SQLITE, table


def test_the_ratios_are_those_of_each_round() -> None:
    alone, other = SQLITE.name, SHAPES[3].name
    rounds = [
        {shape.name: {"chat": 1_000.0} for shape in SHAPES} | {alone: {"chat": chat}, other: {"chat": chat * ratio}}
        for chat, ratio in ((1_000.0, 0.5), (3_000.0, 0.9), (2_000.0, 0.7))
    ]
    row = next(line for line in table(rounds).splitlines() if line.startswith("| Chat"))
    cells = row.split(" | ")
    assert cells[1] == "2,000"
    assert cells[4] == "1,400 (**0.70**, 0.50–0.90)"
