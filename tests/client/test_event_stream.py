"""The parser of server-sent events, by the rules of the standard."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quart_app.client.transports import event_stream
from quart_app.client.transports.event_stream import EventStream, EventTooBig


def parse(*chunks: bytes) -> list[str]:
    stream = EventStream()
    return [data for chunk in chunks for data in stream.feed(chunk)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_three_line_ends(end: str) -> None:
    text = "retry: 3000||id: e-1|data: one||: comment||data: two|data: more||".replace("|", end)
    assert parse(text.encode(), b"\n") == ["one", "two\nmore"]


def test_one_space_after_the_colon_belongs_to_the_syntax() -> None:
    assert parse(b"data:none\n\ndata: one\n\ndata:  two\n\ndata\n\n") == ["none", "one", " two", ""]


def test_a_byte_order_mark_at_the_start_is_skipped() -> None:
    assert parse(b"\xef\xbb\xbfdata: x\n\n") == ["x"]


def test_an_event_that_does_not_end_is_not_told() -> None:
    assert parse(b"data: half\n") == []


def test_a_line_separator_of_unicode_ends_no_line() -> None:
    assert parse("data: a\u2028b\x85c\n\n".encode()) == ["a\u2028b\x85c"]


def test_an_endless_event_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "LARGEST_EVENT", 100)
    with pytest.raises(EventTooBig):
        parse(b"data: " + b"x" * 200)
    with pytest.raises(EventTooBig):
        parse(*[b"data: xxxxxxxxxx\n"] * 20)


@given(
    st.lists(st.text(alphabet=st.characters(exclude_characters="\r\n\ufeff", codec="utf-8"), max_size=20), max_size=6),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.lists(st.integers(0, 400), max_size=8),
)
def test_however_it_is_cut_the_events_are_the_same(events: list[str], end: str, cuts: list[int]) -> None:
    # A line of its own at the end, because a CR may be the first half of a CRLF until something follows.
    body = ("".join(f"data: {data}{end}{end}" for data in events) + ":").encode()
    edges = sorted({min(cut, len(body)) for cut in cuts} | {0, len(body)})
    chunks = [body[start:stop] for start, stop in pairwise(edges)]
    assert parse(*chunks) == events
