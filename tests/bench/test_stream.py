"""The one stream that all followers share: however it is cut it is the same, and what differs is found."""

import pytest

from quart_app.cli.bench.followers import EventStreamFollower
from quart_app.cli.bench.stream import BenchError, SharedStream, Split, block_end, frame_end
from quart_app.cli.bench.wire import Address
from quart_app.realtime.messages.encoding import http_chunk, sse_block, websocket_frame


def frames(*numbers: int) -> bytes:
    return b"".join(websocket_frame(b'{"data":{"text":"run#%d;"}}' % number) for number in numbers)


def test_the_stream_is_the_same_however_it_is_cut() -> None:
    stream = SharedStream("run#", frame_end)
    data = frames(*range(40)) + websocket_frame(b"x" * 70_000) + frames(40)
    positions = [0, 0, 0]
    for follower, size in enumerate((len(data), 1, 777)):
        for start in range(0, len(data), size):
            positions[follower] = stream.take(positions[follower], data[start : start + size])

    assert positions == [len(data)] * 3
    assert stream.ends[-1] == len(data)
    stream.check(41, senders=1)


@pytest.mark.parametrize(
    "other",
    [frames(0, 2), frames(0, 1, 1), frames(1, 0, 2), frames(0, 1, 3)],
    ids=["lost", "repeated", "reordered", "another"],
)
def test_a_follower_whose_stream_differs_is_found(other: bytes) -> None:
    stream = SharedStream("run#", frame_end)
    stream.take(0, frames(0, 1, 2))

    with pytest.raises(BenchError, match="different streams"):
        stream.take(0, other)


@pytest.mark.parametrize(
    ("numbers", "senders", "why"),
    [
        ((0, 1), 1, "2 messages came, and 3 were sent"),
        ((0, 1, 1), 1, "message 1 came, and 2 was due"),
        ((0, 2, 1), 1, "message 2 came, and 1 was due"),
        ((0, 3, 2), 2, "message 3 came, and 1 was due"),
    ],
)
def test_messages_that_everybody_missed_or_got_twice_are_found(
    numbers: tuple[int, ...], senders: int, why: str
) -> None:
    stream = SharedStream("run#", frame_end)
    stream.take(0, frames(*numbers))

    with pytest.raises(BenchError, match=why):
        stream.check(3, senders)


def test_messages_of_several_senders_may_interleave() -> None:
    stream = SharedStream("run#", frame_end)
    stream.take(0, frames(1, 3, 0, 5, 2))

    stream.check(5, senders=2)


@pytest.mark.parametrize(
    ("message", "end"),
    [(websocket_frame(b"a" * size), frame_end) for size in (0, 125, 126, 65_535, 65_536)]
    + [(sse_block(b'{"a":1}', "epoch-1"), block_end), (b"data: 1\r\n\r\n", block_end)],
)
def test_a_message_ends_where_it_was_encoded_to_end(message: bytes, end: Split) -> None:
    for cut in {1, 2, 3, len(message) - 1}:
        assert cut >= len(message) or end(message[:cut], 0) < 0
    assert end(b"before" + message + b"after", 6) == 6 + len(message)


async def test_a_comment_on_a_silent_event_stream_is_no_difference() -> None:
    stream = SharedStream("run#", block_end)
    followers = [EventStreamFollower(Address("localhost", 1), "/sse/a", stream) for _ in range(2)]
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    welcome, message = (http_chunk(sse_block(text, None)) for text in (b'{"type":"connected"}', b'"run#0;"'))
    for follower, comment in zip(followers, (http_chunk(b":\n\n"), b""), strict=True):
        follower.welcome = b"connected"
        follower.data_received(head + welcome + comment + message)

    assert [follower.position for follower in followers] == [len(sse_block(b'"run#0;"', None))] * 2
    stream.check(1, senders=1)
