"""Which rung, and when: the decisions alone, by a clock that the tests turn."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quart_app.client.backoff import Backoff
from quart_app.client.ladder import Ladder, Probe
from quart_app.client.options import TRANSPORTS, Options
from quart_app.surroundings import Surroundings

OPTIONS = Options(surroundings=Surroundings(uniform=lambda _low, high: high))
NOW = 1000.0


@pytest.fixture
def ladder() -> Ladder:
    """A ladder whose jitter always takes the longest wait."""
    return Ladder(TRANSPORTS, OPTIONS, OPTIONS.surroundings.uniform)


def fell_to(ladder: Ladder, rung: str, now: float = NOW) -> None:
    while (name := ladder.next()) != rung:
        assert name is not None
        ladder.failed(name)
    ladder.opened(rung, now)


def test_a_rung_that_does_not_come_through_is_left_at_once(ladder: Ladder) -> None:
    order = []
    while (name := ladder.next()) is not None:
        order.append(name)
        ladder.failed(name)
    assert order == ["ws", "sse", "poll"]


def test_when_every_rung_failed_the_next_round_starts_where_it_was(ladder: Ladder) -> None:
    fell_to(ladder, "sse")
    for name in ("sse", "poll", "ws"):
        assert ladder.next() == name
        ladder.failed(name)
    assert ladder.next() is None
    ladder.exhausted()
    assert ladder.next() == "sse"


def test_two_missed_heartbeats_demote(ladder: Ladder) -> None:
    ladder.opened("ws", NOW)
    ladder.stalled("ws", 100.0)
    assert ladder.next() == "sse"


def test_the_third_early_death_demotes(ladder: Ladder) -> None:
    ladder.opened("ws", NOW)
    assert [ladder.dropped("ws", 1.0) for _ in range(3)] == [False, False, True]
    assert ladder.next() == "sse"


def test_a_long_life_forgives_early_deaths(ladder: Ladder) -> None:
    ladder.opened("ws", NOW)
    assert not any(ladder.dropped("ws", lived) for lived in (1.0, 1.0, 100.0, 1.0, 1.0))
    assert ladder.next() == "ws"


def test_a_better_rung_is_tried_again_with_growing_patience(ladder: Ladder) -> None:
    fell_to(ladder, "sse")
    waits, now = [], NOW
    for _ in range(8):
        probe = ladder.next_probe()
        assert probe is not None
        assert probe.name == "ws"
        waits.append(probe.at - now)
        now = probe.at
        ladder.probe_failed("ws", now)
    assert waits == [10, 20, 40, 80, 160, 300, 300, 300]


def test_there_is_nothing_better_than_the_top(ladder: Ladder) -> None:
    ladder.opened("ws", NOW)
    assert ladder.next_probe() is None


def test_each_better_rung_is_probed_in_its_turn(ladder: Ladder) -> None:
    fell_to(ladder, "poll")
    assert ladder.next_probe() == Probe("ws", NOW + 10)
    ladder.probe_failed("ws", NOW + 10)
    assert ladder.next_probe() == Probe("sse", NOW + 10)


def test_a_better_rung_that_dies_young_is_left_at_the_first_time(ladder: Ladder) -> None:
    fell_to(ladder, "poll")
    ladder.opened("ws", NOW + 20)
    assert ladder.dropped("ws", 1.0)
    assert ladder.next() == "sse"


def test_a_better_rung_that_proved_steady_has_its_three_lives_again(ladder: Ladder) -> None:
    fell_to(ladder, "sse")
    ladder.opened("ws", NOW)
    assert not ladder.dropped("ws", 60.0)
    assert not ladder.dropped("ws", 1.0)


def test_the_waits_double_up_to_the_cap_and_begin_anew_after_a_life() -> None:
    backoff = Backoff(OPTIONS)
    assert [backoff.wait() for _ in range(8)] == [0.5, 1, 2, 4, 8, 16, 30, 30]
    backoff.lived(4.9)
    assert backoff.wait() == 30
    backoff.lived(5.0)
    assert backoff.wait() == 0.5


def test_the_server_s_wish_is_obeyed_and_no_time_at_all_is_none() -> None:
    backoff = Backoff(OPTIONS)
    assert [backoff.wait(asked) for asked in (None, None, 1.5, 1.5, None)] == [0.5, 1, 1.5, 1.5, 0.5]
    assert [backoff.wait(0.0) for _ in range(3)] == [1, 2, 4]


steps = st.one_of(
    st.tuples(st.just("failed"), st.sampled_from(TRANSPORTS)),
    st.tuples(st.just("opened"), st.sampled_from(TRANSPORTS), st.floats(0, 1e6)),
    st.tuples(st.sampled_from(["dropped", "stalled"]), st.sampled_from(TRANSPORTS), st.sampled_from([0.1, 6.0, 90.0])),
    st.tuples(st.just("probe_failed"), st.sampled_from(TRANSPORTS), st.floats(0, 1e6)),
    st.tuples(st.just("exhausted")),
)


@given(st.lists(steps, max_size=60))
def test_whatever_happens_there_is_a_way_on(told: list[tuple[object, ...]]) -> None:
    """Probes are of better rungs only and never further off than the longest; after exhaustion all may be tried."""
    ladder = Ladder(TRANSPORTS, OPTIONS, OPTIONS.surroundings.uniform)
    home = TRANSPORTS[0]
    for what, *arguments in told:
        getattr(ladder, str(what))(*arguments)
        if what == "opened":
            home = str(arguments[0])
        probe = ladder.next_probe()
        assert probe is None or TRANSPORTS.index(probe.name) < TRANSPORTS.index(home)
    ladder.exhausted()
    assert ladder.next() == home
