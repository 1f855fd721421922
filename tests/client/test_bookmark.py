"""The cursor and the repeats, whatever order streams overlap in."""

from hypothesis import given
from hypothesis import strategies as st

from quart_app.client.bookmark import Bookmark
from quart_app.wire import Cursor


def bookmark_at(since: str | None) -> Bookmark:
    bookmark = Bookmark(since)
    bookmark.begin(since)
    return bookmark


def test_a_repeat_within_one_stream_is_dropped_and_counted() -> None:
    bookmark = bookmark_at(None)
    assert [bookmark.admit("t", f"e-{position}") for position in (1, 2, 2, 1, 3)] == [True, True, False, False, True]
    assert bookmark.repeats == 2
    assert bookmark.cursor == "e-3"


def test_a_server_that_sends_what_was_before_since_repeats() -> None:
    bookmark = bookmark_at("e-5")
    assert not bookmark.admit("t", "e-5")
    assert bookmark.repeats == 1


def test_the_overlap_of_a_take_over_is_dropped_and_no_repeat() -> None:
    bookmark = bookmark_at("e-5")
    for position in range(6, 10):
        assert bookmark.admit("t", f"e-{position}")
    bookmark.begin("e-6")
    assert [bookmark.admit("t", f"e-{position}") for position in range(7, 12)] == [False, False, False, True, True]
    assert bookmark.repeats == 0
    assert bookmark.cursor == "e-11"


def test_a_cursor_never_goes_back_by_itself() -> None:
    bookmark = bookmark_at("e-5")
    bookmark.advance("e-3")
    assert bookmark.cursor == "e-5"
    bookmark.advance("e-8")
    assert bookmark.cursor == "e-8"


def test_a_reset_moves_it_even_back_and_counts_as_a_gap() -> None:
    bookmark = bookmark_at("old-50")
    bookmark.reset("new-3")
    assert (bookmark.cursor, bookmark.gaps) == ("new-3", 1)
    assert bookmark.admit("t", "new-4")


def test_what_a_welcome_contains_is_not_told_again() -> None:
    bookmark = bookmark_at("e-5")
    bookmark.snapshot("new", "e-9")
    assert bookmark.admit("old", "e-6")
    assert not bookmark.admit("new", "e-7")
    assert bookmark.admit("new", "e-10")
    assert bookmark.repeats == 0


def test_a_poll_s_cursor_is_kept_with_its_counts_until_something_moves_it() -> None:
    bookmark = bookmark_at(None)
    bookmark.advance("e-7.run.1.2")
    assert (bookmark.cursor, bookmark.full_cursor) == ("e-7", "e-7.run.1.2")
    bookmark.advance("e-7.run.1.3")
    assert bookmark.full_cursor == "e-7.run.1.3"
    bookmark.advance("e-6.run.1.1")
    assert bookmark.full_cursor == "e-7"
    bookmark.advance("e-7.run.1.3")
    assert bookmark.admit("t", "e-8")
    assert (bookmark.cursor, bookmark.full_cursor) == ("e-8", "e-8")


def test_what_is_no_cursor_moves_nothing() -> None:
    bookmark = bookmark_at("0")
    assert bookmark.cursor == "0"
    for text in ("", "0", "-1", "e-", "e-x", "nonsense"):
        bookmark.advance(text)
        assert bookmark.admit("t", text)
    assert bookmark.cursor == "0"


@given(
    st.integers(1, 60),
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 25)), max_size=8),
)
def test_however_often_the_stream_is_taken_over_each_position_comes_once(
    head: int, streams: list[tuple[int, int]]
) -> None:
    """Each stream opens at the cursor of some moments ago (the candidate's), then brings what follows."""
    bookmark = bookmark_at("e-0")
    cursors = ["e-0"]
    admitted: list[int] = []
    for back, length in [*streams, (0, head)]:
        since = cursors[max(0, len(cursors) - 1 - back)]
        bookmark.begin(since)
        start = Cursor.parse(since)
        for position in range(start.position + 1, min(head, start.position + length) + 1):
            if bookmark.admit("t", f"e-{position}"):
                admitted.append(position)
            assert bookmark.cursor is not None
            cursors.append(bookmark.cursor)
    assert admitted == list(range(1, len(admitted) + 1))
    assert bookmark.repeats == 0


def test_what_an_earlier_start_of_the_server_wrote_is_overlap_once_a_later_one_was_heard() -> None:
    """Cursors name the start that wrote their position; positions go on growing (a restart resets nobody)."""
    bookmark = bookmark_at("a-48")
    assert [bookmark.admit("t", cursor) for cursor in ("a-49", "a-50", "b-51")] == [True, True, True]
    bookmark.begin("a-49")
    assert [bookmark.admit("t", cursor) for cursor in ("a-50", "b-51", "b-52")] == [False, False, True]
    assert (bookmark.cursor, bookmark.repeats) == ("b-52", 0)
    bookmark.reset("a-3")
    assert bookmark.admit("t", "a-4")
