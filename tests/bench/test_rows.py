"""The tables of the comparison, and what the load reads of servers that speak otherwise. Pure."""

from itertools import pairwise

import pytest

from quart_app.cli.bench.crowd import Crowd, fresh
from quart_app.cli.bench.stream import BenchError, SharedStream, frame_end
from tests.bench.asking import answer_end
from tests.bench.loads import FullLoad
from tests.bench.nats import Unframed, message_end
from tests.bench.order import disorder
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
        b"HTTP/1.1 204 No Content\r\nDate: now\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    ],
)
def test_an_answer_ends_where_its_head_says(answer: bytes) -> None:
    assert answer_end(answer) == len(answer)
    assert all(answer_end(answer[:size]) == -1 for size in range(len(answer)))


@pytest.mark.parametrize(("came", "late"), [([0, 2, 1, 3], 0), ([0, 1, 2, 3], 1), ([3, 1, 2, 0], 3)])
def test_a_delivery_after_one_that_was_stored_later_is_out_of_order(came: list[int], late: int) -> None:
    assert disorder([reader(came), reader(STORED)], STORED) == late / 8 * 10_000


@pytest.mark.parametrize("came", [[0, 2, 1], [0, 2, 1, 3, 3]])
def test_a_reader_who_lacks_a_message_or_has_one_twice_has_no_order(came: list[int]) -> None:
    with pytest.raises(BenchError, match="4 messages were stored"):
        disorder([reader(came)], STORED)


STORED = [0, 2, 1, 3]


def reader(came: list[int]) -> Crowd:
    stream = SharedStream("m#", frame_end)
    stream.numbers += came
    return Crowd(fresh(), stream, [])


def test_the_protocol_of_nats_is_read_however_it_is_framed() -> None:
    said = b"INFO {}\r\nMSG a 1 7\r\nm#1;\r\n;\r\nPING\r\n"
    ends = [message_end(said, 0)]
    while (end := message_end(said, ends[-1])) > 0:
        ends.append(end)
    assert [said[start:end] for start, end in pairwise([0, *ends])] == [
        b"INFO {}\r\n",
        b"MSG a 1 7\r\nm#1;\r\n;\r\n",
        b"PING\r\n",
    ]
    assert message_end(said[:-8], len(b"INFO {}\r\n")) == -1

    frame = b"\x82\x05hello\x82\x7e\x00\x80" + bytes(128)
    unframed = Unframed()
    assert b"".join(unframed.take(frame[at : at + 1]) for at in range(len(frame))) == b"hello" + bytes(128)
