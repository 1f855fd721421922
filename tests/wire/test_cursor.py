"""Cursors as clients hold them."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from quart_app.wire import Cursor

epochs = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=32)
runs = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=16)
positions = st.integers(0, 10**18 - 1)
counts = st.lists(st.integers(0, 16**15 - 1), max_size=100).map(tuple)
plain = st.builds(Cursor, epochs, positions, st.just(""), st.just(()))


@pytest.mark.parametrize(
    ("text", "cursor"),
    [
        ("k3f9-0", Cursor("k3f9", 0)),
        ("k3f9-1042", Cursor("k3f9", 1042)),
        ("k3f9-1042.9a0b", Cursor("k3f9", 1042, "9a0b")),
        ("k3f9-1042.9a0b.0.ff.10", Cursor("k3f9", 1042, "9a0b", (0, 255, 16))),
    ],
)
def test_how_it_is_spelled(text: str, cursor: Cursor) -> None:
    assert str(cursor) == text
    assert Cursor.parse(text) == cursor


@given(plain | st.builds(Cursor, epochs, positions, runs, counts))
def test_it_comes_back_as_it_went(cursor: Cursor) -> None:
    assert Cursor.parse(str(cursor)) == cursor


@given(st.builds(Cursor, epochs, positions, runs, counts))
def test_a_client_finds_the_position_between_the_first_dash_and_dot(cursor: Cursor) -> None:
    assert str(cursor).split("-", 1)[1].split(".", 1)[0] == str(cursor.position)


@pytest.mark.parametrize(
    "text",
    [
        "", "0", "-", "a-", "-1", "a-b", "a--1", "a-+1", "a-1.", "a-1.r.", "a-1.r.g", "a-1.r..1", "a-1.r.-1", "A-1",
        "a-1 ", " a-1", "a-1\n", "a-1\0", "ñ-1", "a-١", "a-1.r.１", "a_b-1", "a-1e3", "a-0x1", "a-1_000",
        "a" * 33 + "-1", "a-" + "1" * 19, "a-1." + "r" * 17, "a-1.r." + "f" * 16, "a-1.r" + ".1" * 101,
        "a-1" * 10_000, "../../etc/passwd", "a-1' OR 1=1 --",
    ],
    ids=lambda text: ascii(text)[:20],
)  # fmt: skip
def test_nothing_else_is_one(text: str) -> None:
    with pytest.raises(ValueError, match="is not a cursor") as refused:
        Cursor.parse(text)
    assert len(str(refused.value)) < 1_000


@given(st.text() | st.from_regex(r"[a-z0-9]+-[0-9]+(\.[a-z0-9]+)*", fullmatch=True))
@example("a-00000000000000001")
def test_hostile_text_is_refused_or_read(text: str) -> None:
    try:
        cursor = Cursor.parse(text)
    except ValueError:
        return
    assert Cursor.parse(str(cursor)) == cursor
    assert cursor.position < 10**18
    assert len(cursor.seen) <= 100


@pytest.mark.timeout(5)
def test_hostile_text_takes_no_time() -> None:
    for text in ("a-1.r" + ".1" * 1_000_000, "a" * 1_000_000, "a-" + "1" * 1_000_000):
        with pytest.raises(ValueError, match="is not a cursor"):
            Cursor.parse(text)


def test_the_positions_of_a_log_go_on_from_one_start_of_the_server_to_the_next() -> None:
    assert Cursor("second", 11).reaches(Cursor("first", 10))
    assert not Cursor("first", 10).reaches(Cursor("second", 11))
