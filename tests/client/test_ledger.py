"""The cursor and the repeats, whatever order streams overlap in."""

from hypothesis import given
from hypothesis import strategies as st

from quart_app.client.ledger import Cursor, Ledger


def ledger_at(since: str | None) -> Ledger:
    ledger = Ledger(since)
    ledger.begin(since)
    return ledger


def test_a_cursor_s_position_ends_at_the_dot() -> None:
    assert Cursor.parse("ab12-37.x1.2") == Cursor("ab12", 37)


def test_what_is_no_cursor_is_told_apart() -> None:
    for text in ("0", "", "-1", "e-", "e-x", None, 7):
        assert Cursor.parse(text) is None


def test_a_repeat_within_one_stream_is_dropped_and_counted() -> None:
    ledger = ledger_at(None)
    assert [ledger.admit("t", f"e-{position}") for position in (1, 2, 2, 1, 3)] == [True, True, False, False, True]
    assert ledger.repeats == 2
    assert ledger.cursor == "e-3"


def test_a_server_that_sends_what_was_before_since_repeats() -> None:
    ledger = ledger_at("e-5")
    assert not ledger.admit("t", "e-5")
    assert ledger.repeats == 1


def test_the_overlap_of_a_take_over_is_dropped_and_no_repeat() -> None:
    ledger = ledger_at("e-5")
    for position in range(6, 10):
        assert ledger.admit("t", f"e-{position}")
    ledger.begin("e-6")
    assert [ledger.admit("t", f"e-{position}") for position in range(7, 12)] == [False, False, False, True, True]
    assert ledger.repeats == 0
    assert ledger.cursor == "e-11"


def test_a_cursor_never_goes_back_by_itself() -> None:
    ledger = ledger_at("e-5")
    ledger.advance("e-3")
    assert ledger.cursor == "e-5"
    ledger.advance("e-8")
    assert ledger.cursor == "e-8"


def test_a_reset_moves_it_even_back_and_counts_as_a_gap() -> None:
    ledger = ledger_at("old-50")
    ledger.reset("new-3")
    assert (ledger.cursor, ledger.gaps) == ("new-3", 1)
    assert ledger.admit("t", "new-4")


def test_what_a_welcome_contains_is_not_told_again() -> None:
    ledger = ledger_at("e-5")
    ledger.snapshot("new", "e-9")
    assert ledger.admit("old", "e-6")
    assert not ledger.admit("new", "e-7")
    assert ledger.admit("new", "e-10")
    assert ledger.repeats == 0


def test_a_poll_s_cursor_is_kept_as_any_transport_takes_it() -> None:
    ledger = ledger_at(None)
    ledger.advance("e-7.run.1.2")
    assert ledger.cursor == "e-7"


@given(
    st.integers(1, 60),
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 25)), max_size=8),
)
def test_however_often_the_stream_is_taken_over_each_position_comes_once(
    head: int, streams: list[tuple[int, int]]
) -> None:
    """Each stream opens at the cursor of some moments ago (the candidate's), then brings what follows."""
    ledger = ledger_at("e-0")
    cursors = ["e-0"]
    admitted: list[int] = []
    for back, length in [*streams, (0, head)]:
        since = cursors[max(0, len(cursors) - 1 - back)]
        ledger.begin(since)
        start = Cursor.parse(since)
        assert start is not None
        for position in range(start.position + 1, min(head, start.position + length) + 1):
            if ledger.admit("t", f"e-{position}"):
                admitted.append(position)
            assert ledger.cursor is not None
            cursors.append(ledger.cursor)
    assert admitted == list(range(1, len(admitted) + 1))
    assert ledger.repeats == 0
