"""Rates and percentiles: what is made of counts."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quart_app.domains.operations.events import Spread
from quart_app.domains.operations.rules import per_second, quantile, rate, spread
from quart_app.realtime.clients.identity import Identity
from quart_app.realtime.flow.counters import SECONDS, Histogram
from quart_app.realtime.messages.refused import Refused


def exact(values: Sequence[float], share: float) -> float:
    return sorted(values)[max(0, -int(-share * len(values) // 1) - 1)]


@given(st.lists(st.floats(0.0001, 10), min_size=1, max_size=200), st.sampled_from([0.5, 0.95, 1.0]))
def test_a_percentile_lies_in_the_bucket_of_the_true_one(values: list[float], share: float) -> None:
    histogram = Histogram()
    for value in values:
        histogram.observe(value)
    found = quantile(histogram.bounds, histogram.counts, share)
    assert found is not None
    true = exact(values, share)
    upper = next(bound for bound in SECONDS if bound >= true)
    lower = max((bound for bound in SECONDS if bound < true), default=0.0)
    assert lower <= found <= upper


def test_without_values_there_is_no_percentile_and_above_the_last_bound_it_is_that() -> None:
    assert quantile((1.0, 2.0), (0, 0, 0), 0.5) is None
    assert quantile((1.0, 2.0), (0, 0, 9), 0.5) == 2.0


def test_only_what_came_since_the_last_look_counts() -> None:
    assert spread((1.0, 2.0), (9, 0, 0), (9, 4, 0)) == Spread(1500.0, 1950.0)
    assert spread((1.0, 2.0), (9, 4, 0), (9, 4, 0)) == Spread(None, None)


def test_rates_are_a_second_and_never_below_nothing() -> None:
    assert per_second({"ws": 10}, {"ws": 30, "sse": 5}, 2.0) == {"ws": 10.0, "sse": 2.5}
    assert rate(10, 5, 1.0) == 0.0
    assert rate(0, 5, 0.0) == 0.0


def test_the_numbers_are_for_administrators() -> None:
    Identity("1", "Ana", "admin").require_admin()
    with pytest.raises(Refused) as refused:
        Identity("1", "Ana").require_admin()
    assert (refused.value.code, refused.value.status) == ("forbidden", 403)
