"""One look at several nodes: what is added up, what is the largest, and what every node sees alike."""

import msgspec
import pytest

from quart_app.domains.operations.events import Spread
from quart_app.domains.operations.tallies import Tally, between, look_at

NOTHING = Tally(
    tag="a", at=0.0, uptime=0.0, cpu=0.0, published={}, sent={}, sent_bytes=0, received=0, units=0.0, delivery=[0, 0],
    commits=[0, 0], commands=[0, 0], loop_lag=[0, 0], connections={}, topics=0, relay_lag=0, behind=0, opened=0,
    closed=0, errors=0, noted=0, resets=0, gaps=0, dropped=0, tail_events=0, tail_bytes=0, memory=None,
)  # fmt: skip


def tally(**changed: object) -> Tally:
    return msgspec.structs.replace(NOTHING, **changed)


def test_each_node_is_compared_by_its_own_clock_and_the_rates_are_added_up() -> None:
    last = {"a": tally(at=10.0, sent={"ws": 5}, cpu=1.0), "b": tally(tag="b", at=700.0, sent={"ws": 7})}
    now = [
        tally(at=11.0, uptime=11.0, sent={"ws": 15}, cpu=1.5, connections={"ws": 1}, relay_lag=4, memory=100),
        tally(tag="b", at=702.0, uptime=702.0, sent={"ws": 11, "sse": 8}, connections={"ws": 2, "sse": 1}, memory=None),
    ]
    look = look_at(between(last, now), (1.0,), None)
    assert look.delivered == {"ws": 12.0, "sse": 4.0}
    assert look.cpu == 0.5
    assert look.connections == {"ws": 3, "sse": 1}
    assert (look.uptime, look.relay_lag, look.memory) == (702.0, 4, 100)


def test_what_all_see_counts_once_and_what_took_long_anywhere_is_seen() -> None:
    last = {"a": tally(), "b": tally(tag="b")}
    now = [
        tally(at=1.0, published={"durable": 9}, commits=[3, 0], units=3.0, delivery=[1, 0]),
        tally(tag="b", at=1.0, published={"durable": 9}, commits=[1, 0], units=5.0, delivery=[0, 19]),
    ]
    look = look_at(between(last, now), (1.0, 2.0), None)
    assert look.published == {"durable": 9.0}
    assert (look.commits, look.group) == (4.0, 2.0)
    assert look.delivery.p50 == pytest.approx(1474, abs=1)


def test_a_node_that_was_not_there_before_or_long_ago_has_no_rates_yet() -> None:
    last = {"a": tally(), "b": tally(tag="b", received=5)}
    now = [
        tally(at=1.0, received=3),
        tally(tag="b", at=60.0, received=500),
        tally(tag="c", at=9.0, received=900, topics=2),
    ]
    look = look_at(between(last, now), (1.0,), {"answered": 3, "silent": ["d"]})
    assert (look.received, look.topics) == (3.0, 2)
    assert look.delivery == Spread(None, None)
    assert look.nodes == {"answered": 3, "silent": ["d"]}
