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
    assert parse(text.encode()) == ["one", "two\nmore"]


def test_an_event_that_ends_in_carriage_returns_waits_for_nothing() -> None:
    stream = EventStream()
    assert stream.feed(b"data: one\r\r") == ["one"]
    assert stream.feed(b"\ndata: two\r") == []
    assert stream.feed(b"\n\r") == ["two"]
    assert stream.feed(b"\n") == []
    assert stream.feed(b"data: three\n") == []
    assert stream.feed(b"\r") == ["three"]


def test_one_space_after_the_colon_belongs_to_the_syntax() -> None:
    assert parse(b"data:none\n\ndata: one\n\ndata:  two\n\ndata\n\n") == ["none", "one", " two", ""]


def test_a_byte_order_mark_at_the_start_is_skipped() -> None:
    assert parse(b"\xef\xbb\xbfdata: x\n\n") == ["x"]


def test_an_event_that_does_not_end_is_not_told() -> None:
    assert parse(b"data: half\n") == []


def test_a_line_separator_of_unicode_ends_no_line() -> None:
    assert parse("data: a\u2028b\x85c\n\n".encode()) == ["a\u2028b\x85c"]


# The cases of other people's contract tests of EventSource, by the clauses of WHATWG HTML 9.2.6.
CASES = {
    "a comment alone": (": hello\n\n", []),
    "a comment without text": (":\n:\n\n", []),
    "comments around and within": (": a\ndata: x\n:b\ndata: y\n: c\n\n:d\n", ["x\ny"]),
    "no data, no event": ("event: greeting\nid: 1\n\n", []),
    "empty data": ("data\n\ndata\ndata\n\ndata:\n\ndata: \n\n", ["", "\n", "", ""]),
    "empty lines between": ("\n\n\ndata: x\n\n\n\ndata: y\n\n", ["x", "y"]),
    "one space alone is taken off": ("data:\u00a0x\n\ndata:\tx\n\ndata:  x\n\n", ["\u00a0x", "\tx", " x"]),
    "colons in the value": ("data: a:b: c\n\n", ["a:b: c"]),
    "a field of another name": ("datax: 1\ndata : 2\n data: 3\nDATA: 4\ndata: 5\n\n", ["5"]),
    "a field without a colon": ("retry\nid\nevent\nfoo\ndata: x\n\n", ["x"]),
    "an id with NUL": ("id: 1\u00002\ndata: x\n\n", ["x"]),
    "NUL in data and in a name": ("data: a\u0000b\nda\u0000ta: c\n\n", ["a\u0000b"]),
    "retry, good and bad": ("retry: 100\nretry: 1s\nretry:\nretry: -1\ndata: x\n\n", ["x"]),
    "event names": ("event: a\ndata: x\n\nevent\ndata: y\n\n", ["x", "y"]),
    "an end without an empty line": ("data: x\n\ndata: y", ["x"]),
    "an end behind a line": ("data: x\n\ndata: y\n", ["x"]),
    "a mark of byte order": ("\ufeffdata: x\n\n", ["x"]),
    "two marks": ("\ufeff\ufeffdata: x\n\ndata: y\n\n", ["y"]),
    "a mark later": ("data: x\n\n\ufeffdata: y\n\ndata: \ufeffz\n\n", ["x", "\ufeffz"]),
    "all line ends mixed": ("data: a\rdata: b\r\ndata: c\n\r\ndata: d\r\rdata: e\n\n", ["a\nb\nc", "d", "e"]),
    "LF CR is two line ends": ("data: a\n\rdata: b\n\r", ["a", "b"]),
    "other separators are none": (
        "data: a\u2028b\u2029c\u0085d\u000be\u000cf\n\n",
        ["a\u2028b\u2029c\u0085d\u000be\u000cf"],
    ),
    "many letters": ("data: ok…ñ€𝄞\n\n", ["ok…ñ€𝄞"]),
    "many lines": ("data: x\n" * 1000 + "\n", ["\n".join(["x"] * 1000)]),
}


@pytest.mark.parametrize(("text", "events"), CASES.values(), ids=CASES)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_cases_of_the_standard(text: str, events: list[str], end: str) -> None:
    body = (text if "\r" in text else text.replace("\n", end)).encode()
    assert parse(body) == events
    for size in (1, 2, 3, 5):
        assert parse(*[body[start : start + size] for start in range(0, len(body), size)]) == events


def test_what_is_no_utf_8_becomes_a_mark_of_replacement() -> None:
    assert parse(b"data: a\xffb\n\n") == ["a\ufffdb"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_an_event_is_told_with_the_byte_that_ends_it(end: str) -> None:
    stream = EventStream()
    body = f"data: x{end}{end[0]}".encode()
    told = [stream.feed(bytes([byte])) for byte in body]
    assert told == [[]] * (len(body) - 1) + [["x"]]


def test_lines_without_data_fill_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "MAX_MESSAGE", 100)
    with pytest.raises(EventTooBig):
        parse(b"data\n" * 200)


def test_an_endless_event_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "MAX_MESSAGE", 100)
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
    body = "".join(f"data: {data}{end}{end}" for data in events).encode()
    edges = sorted({min(cut, len(body)) for cut in cuts} | {0, len(body)})
    chunks = [body[start:stop] for start, stop in pairwise(edges)]
    assert parse(*chunks) == events
