"""Full jitter: anywhere between nothing and a ceiling that doubles up to the cap."""

from hypothesis import given
from hypothesis import strategies as st

from quart_app.client.backoff import full_jitter


def highest(_low: float, high: float) -> float:
    return high


def lowest(low: float, _high: float) -> float:
    return low


def test_the_ceiling_doubles_up_to_the_cap() -> None:
    ceilings = [full_jitter(attempt, 1.0, 30.0, highest) for attempt in range(8)]
    assert ceilings == [1, 2, 4, 8, 16, 30, 30, 30]


def test_it_may_be_no_wait_at_all() -> None:
    assert full_jitter(5, 1.0, 30.0, lowest) == 0.0


@given(st.integers(0, 10_000), st.floats(0.001, 10), st.floats(0.1, 100))
def test_never_beyond_the_cap(attempt: int, base: float, cap: float) -> None:
    assert 0 <= full_jitter(attempt, base, cap, highest) <= cap
