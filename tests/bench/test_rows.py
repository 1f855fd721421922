"""The tables of the comparison, and the answers that the load reads. Pure."""

import pytest

from tests.bench.asking import answer_end
from tests.bench.loads import FullLoad
from tests.bench.rows import MEASURES, table

RUNS = {
    "En Vivo": [{"connections": 2_000.0, "memory": 24.0}],
    "fast": [{"connections": 6_000.0, "memory": 25.0}],
    "small": [{"memory": 2.0}],
    "absent": [{"durable": 1.0}],
}


def lines(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]


def test_whoever_is_ahead_is_named_with_how_many_times_whichever_way_is_better() -> None:
    head, _, *rows = lines(table(FullLoad(), RUNS, [one for one in MEASURES if one.name in {"connections", "memory"}]))

    assert head == ["", "unit", "En Vivo", "fast", "small", "ahead of En Vivo"]
    assert [row[2:] for row in rows] == [
        ["2,000", "6,000", "–", "fast 3.00×"],
        ["24.0", "25.0", "2.0", "small 12.00×"],
    ]


def test_where_servers_are_compared_with_by_name_nobody_else_is_said_to_be_ahead() -> None:
    head, _, *rows = lines(table(FullLoad(), RUNS, against=["fast", "absent", "nobody"]))

    assert head[-2:] == ["times better than fast", "times better than absent"]
    assert [row[-2] for row in rows if row[1] == "connections/s"] == ["0.33"]


def test_a_section_in_which_nobody_has_figures_is_no_table() -> None:
    assert table(FullLoad(), RUNS, [one for one in MEASURES if one.name == "rest"]) == ""


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    ],
)
def test_an_answer_ends_where_its_head_says(answer: bytes) -> None:
    assert answer_end(answer) == len(answer)
    assert all(answer_end(answer[:size]) == -1 for size in range(len(answer)))
