"""What is sent stays until it is acknowledged, in order, whatever the connections do."""

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quart_app.client.errors import ClientError, Closed, SendRefused
from quart_app.client.messages import Message
from quart_app.client.outbox import Outbox, Pending


class Desk:
    """An outbox and what became of the messages put into it."""

    def __init__(self, in_flight: int = 10) -> None:
        self.outbox = Outbox(in_flight, repeat=60.0)
        self.outcomes: dict[str, Message | ClientError] = {}

    def add(self, *keys: str, size: int = 0) -> None:
        for key in keys:
            message = {"type": "message", "key": key, "content": "x" * size}
            self.outbox.add(Pending(key, "rooms/1", message, partial(self._done, key)))

    def _done(self, key: str, outcome: Message | ClientError) -> None:
        assert key not in self.outcomes, "settled twice"
        self.outcomes[key] = outcome

    def write(self, now: float = 0.0) -> list[str]:
        written = []
        while (pending := self.outbox.next(now)) is not None:
            written.append(pending.key)
        return written

    def reply(self, key: str, type: str = "ack", now: float = 0.0, **data: object) -> bool:
        return self.outbox.settle({"type": type, "key": key, "data": data}, now)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_the_first_message_with_the_key_settles_it(desk: Desk) -> None:
    desk.add("a")
    desk.write()
    assert desk.reply("a", "message_sent", message_id=7)
    assert desk.outcomes["a"] == {"type": "message_sent", "key": "a", "data": {"message_id": 7}}
    assert not desk.reply("a")


def test_an_error_refuses_it_with_its_code(desk: Desk) -> None:
    desk.add("a")
    desk.write()
    desk.reply("a", "error", code="invalid_content", message="too long")
    refused = desk.outcomes["a"]
    assert isinstance(refused, SendRefused)
    assert (refused.code, refused.message) == ("invalid_content", "too long")


def test_a_new_connection_writes_what_is_unacknowledged_again_in_order(desk: Desk) -> None:
    desk.add("a", "b", "c")
    assert desk.write() == ["a", "b", "c"]
    desk.reply("b")
    desk.outbox.restart()
    assert desk.write() == ["a", "c"]


def test_a_busy_server_gets_it_again_later_with_what_follows_behind_it(desk: Desk) -> None:
    desk.add("a", "b")
    desk.write()
    desk.reply("a", "error", now=10.0, code="busy", retry_after=500)
    desk.add("c")
    assert desk.write(10.1) == []
    assert desk.outbox.due_in(10.1) == pytest.approx(0.4)
    assert desk.write(10.5) == ["a", "c"]
    assert desk.outcomes == {}


@pytest.mark.parametrize("code", ["busy", "too_many", "anything"])
def test_an_error_that_names_a_time_means_again_then(desk: Desk, code: str) -> None:
    desk.add("a")
    desk.write()
    desk.reply("a", "error", now=10.0, code=code, retry_after=2000)
    assert desk.write(11.9) == []
    assert desk.write(12.0) == ["a"]
    assert desk.outcomes == {}


def test_what_the_server_fails_at_is_repeated_and_given_up_after_a_minute(desk: Desk) -> None:
    desk.add("a")
    for now in range(60):
        assert desk.write(float(now)) == ["a"]
        assert desk.reply("a", "error", now=float(now), code="internal", message="something went wrong here")
        assert desk.outcomes == {}
    assert desk.write(60.0) == ["a"]
    desk.reply("a", "error", now=60.0, code="internal", message="something went wrong here")
    assert str(desk.outcomes["a"]) == "internal: something went wrong here"


def test_only_so_many_are_written_and_unanswered() -> None:
    desk = Desk(in_flight=2)
    desk.add("a", "b", "c", "d")
    assert desk.write() == ["a", "b"]
    desk.reply("a")
    assert desk.write() == ["c"]


def test_a_message_too_big_is_not_repeated_for_ever(desk: Desk) -> None:
    desk.add("small")
    desk.add("big", size=1000)
    desk.write()
    desk.add("unwritten", size=2000)
    desk.outbox.refuse_largest(SendRefused("too_large", "closed 1009"))
    assert list(desk.outcomes) == ["big"]


def test_a_key_on_its_way_is_not_taken_twice(desk: Desk) -> None:
    desk.add("a")
    with pytest.raises(ValueError, match="on its way"):
        desk.add("a")


def test_what_nobody_waits_for_is_not_repeated(desk: Desk) -> None:
    desk.add("a", "b")
    desk.outbox.discard("a")
    assert desk.write() == ["b"]


def test_closing_refuses_all(desk: Desk) -> None:
    desk.add("a", "b")
    desk.outbox.refuse_all(Closed(4404, "no such room"))
    assert {type(outcome) for outcome in desk.outcomes.values()} == {Closed}
    assert len(desk.outbox) == 0


@given(st.lists(st.sampled_from(["add", "write", "ack", "cut", "busy"]), max_size=60))
def test_every_message_is_settled_once_and_written_in_order(steps: list[str]) -> None:
    desk = Desk(in_flight=3)
    added = 0
    now = 0.0
    unanswered: list[str] = []
    for step in [*steps, *["write", "ack"] * 60]:
        now += 1.0
        if step == "add":
            desk.add(f"{added:03}")
            added += 1
        elif step == "write":
            written = desk.write(now)
            assert written == sorted(written)
            unanswered += written
            assert len(unanswered) <= 3
        elif step == "cut":
            desk.outbox.restart()
            unanswered.clear()
        elif unanswered and step == "ack":
            assert desk.reply(unanswered.pop(0))
        elif unanswered:
            desk.reply(unanswered.pop(0), "error", now=now, code="busy", retry_after=1000)
    assert len(desk.outcomes) == added
