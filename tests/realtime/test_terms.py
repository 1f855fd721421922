"""Which cursors a log honours, and by which names: pure."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quart_app.realtime import limits
from quart_app.realtime.flow.terms import Term, Terms
from quart_app.wire import Cursor

# Five events of the first start, none of the second, four of the third; the fourth has begun nothing yet.
LOG = [Term("first", 0), Term("third", 5)]
HEAD = 9


def terms() -> Terms:
    return Terms(LOG, "fourth")


@pytest.mark.parametrize(
    ("position", "name"), [(0, "first"), (1, "first"), (5, "first"), (6, "third"), (9, "third")], ids=str
)
def test_a_position_is_named_by_the_term_of_its_event(position: int, name: str) -> None:
    assert terms().cursor(position) == Cursor(name, position)


def test_a_term_begins_with_its_first_event() -> None:
    log = terms()
    assert (log.current, log.cursor(HEAD).epoch) == ("fourth", "third")
    log.begin(HEAD)
    log.begin(HEAD + 1)  # the next event begins no other one
    assert (log.current, log.cursor(HEAD).epoch, log.cursor(HEAD + 1).epoch) == ("fourth", "third", "fourth")
    assert log.cursor(HEAD + 2).epoch == "fourth"


@pytest.mark.parametrize(
    ("cursor", "reason"),
    [
        (Cursor("first", 3), None),
        (Cursor("first", 5), None),
        (Cursor("first", 6), "unknown_log"),  # the events of another file that went on from the fifth
        (Cursor("first", 10), "ahead_of_log"),
        (Cursor("third", 4), None),  # a term is known with all that came before it
        (Cursor("third", 9), None),
        (Cursor("third", 10), "ahead_of_log"),
        (Cursor("second", 5), "unknown_log"),
        (Cursor("fourth", 9), "unknown_log"),
        (Cursor("first", 2), "trimmed"),
    ],
    ids=str,
)
def test_a_cursor_is_honoured_where_its_term_reaches(cursor: Cursor, reason: str | None) -> None:
    assert terms().refusal(cursor, floor=3, head=HEAD) == reason


@given(st.lists(st.integers(0, 3), max_size=20), st.integers(0, 60))
def test_every_cursor_that_is_handed_out_is_honoured_after_any_number_of_starts(runs: list[int], later: int) -> None:
    log, head, given_out = Terms([Term("t0", 0)]), 0, [Cursor("t0", 0)]
    for number, events in enumerate(runs, 1):
        log.coming = f"t{number}"
        given_out.append(log.cursor(head))
        for _ in range(events):
            log.begin(head)
            head += 1
            given_out.append(log.cursor(head))
    assert [cursor for cursor in given_out if log.refusal(cursor, floor=0, head=head) is not None] == []
    assert log.refusal(Cursor(log.cursor(head).epoch, head + 1 + later), floor=0, head=head) == "ahead_of_log"


def test_the_number_of_terms_is_bounded() -> None:
    log = Terms([Term("t0", 0)])
    for number in range(1, limits.TERMS + 11):
        log.coming = f"t{number}"
        log.begin(number)
    head = limits.TERMS + 11
    assert log.refusal(Cursor("t10", 11), floor=0, head=head) == "unknown_log"
    assert log.refusal(Cursor("t11", 12), floor=0, head=head) is None
    # What the oldest ones named goes by the name of the one that came after them.
    assert log.refusal(log.cursor(3), floor=0, head=head) is None
