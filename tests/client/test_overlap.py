"""What comes by two connections at a hand-over is told once."""

from quart_app.client.messages import Message
from quart_app.client.options import MAX_TOLD
from quart_app.client.overlap import Overlap


def signal(number: int, **more: object) -> Message:
    return {"type": "moved", "timestamp": f"t{number}", "topic": "live/a", "data": number, **more}


def overlap_of(*told: Message) -> Overlap:
    overlap = Overlap()
    for message in told:
        overlap.tell(message)
    return overlap


def news(overlap: Overlap, *brought: Message) -> list[object]:
    return [message["data"] for message in brought if not overlap.repeats(message)]


def test_what_the_old_one_told_is_no_news_and_the_rest_is() -> None:
    overlap = overlap_of(signal(1), signal(2))
    assert news(overlap, signal(2), signal(3), signal(2)) == [3, 2]


def test_as_often_as_it_was_told() -> None:
    assert news(overlap_of(signal(1), signal(1)), signal(1), signal(1), signal(1)) == [1]


def test_looking_ahead_takes_nothing() -> None:
    overlap = overlap_of(signal(1))
    assert [overlap.told(signal(1)), overlap.told(signal(1)), overlap.told(signal(2))] == [True, True, False]
    assert news(overlap, signal(1), signal(1)) == [1]
    assert not overlap.told(signal(1))


def test_a_state_s_value_of_before_is_followed_by_the_newer_one_again() -> None:
    assert news(overlap_of(signal(2)), signal(1), signal(2)) == [1, 2]


def test_durable_messages_answers_and_gaps_are_not_its_business() -> None:
    others = [signal(1, id="e-1"), signal(1, key="k"), signal(1, type="gap"), {"type": "heartbeat", "data": 1}]
    assert news(overlap_of(*others), *others) == [1, 1, 1, 1]


def test_it_remembers_no_more_than_so_many() -> None:
    overlap = overlap_of(*(signal(number) for number in range(MAX_TOLD + 10)))
    assert news(overlap, *(signal(number) for number in range(10, MAX_TOLD + 10))) == []
    overlap = overlap_of(*(signal(number) for number in range(MAX_TOLD + 10)))
    assert news(overlap, signal(0), signal(9), signal(10), signal(11)) == [0, 9]
