"""For any sequence of values: one alert at a time, none that flaps, none that is missed."""

from itertools import count, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quart_app.domains.telemetry.alerting import (
    NOTICE_LIFE,
    SILENCE,
    THRESHOLDS,
    Condition,
    judge,
    judge_contact,
    threshold_of,
)
from quart_app.domains.telemetry.board import Board
from quart_app.domains.telemetry.models import Alert, Reading
from quart_app.domains.telemetry.rules import MEASURES
from quart_app.domains.telemetry.simulation import SIMULATED, simulated

START = 1_760_000_000_000  # ms since the Unix epoch
STEP = 10_000  # ms
HOUR = 3_600_000
FINE = {"temperature": 20.0, "ph": 7.0, "conductivity": 400.0, "water_level": 60.0}

measures = st.sampled_from(sorted(THRESHOLDS))
values_of = {name: st.floats(allowed.low, allowed.high) for name, allowed in MEASURES.items()}
near = st.builds(
    lambda edge, offset: edge + offset,
    st.sampled_from([26.5, 29.0, 10.0, 6.0]),
    st.floats(-0.7, 0.7),
)
temperatures = st.lists(near | values_of["temperature"], max_size=60)


def course(measure: str, values: list[float], *, every: int = STEP) -> list[Condition | None]:
    """What stands after each of the values."""
    standing: Condition | None = None
    conditions = []
    for number, value in enumerate(values):
        standing = judge(measure, value, START + number * every, standing)
        conditions.append(standing)
    return conditions


@given(measures, st.data())
def test_what_is_beyond_a_threshold_stands_and_what_is_well_inside_does_not(measure: str, data: st.DataObject) -> None:
    limits = THRESHOLDS[measure]
    values = data.draw(st.lists(values_of[measure], max_size=40))
    for value, condition in zip(values, course(measure, values), strict=True):
        if value < limits.low.warning:
            assert condition is not None
            assert condition.cause == "low"
        elif value > limits.high.warning:
            assert condition is not None
            assert condition.cause == "high"
        elif limits.low.warning + limits.margin <= value <= limits.high.warning - limits.margin:
            assert condition is None or condition.cause == "recovered"
        if value < limits.low.critical or value > limits.high.critical:
            assert condition is not None
            assert condition.severity == "critical"


@given(temperatures)
def test_a_second_alert_needs_a_recovery_by_the_margin_in_between(values: list[float]) -> None:
    conditions = course("temperature", values)
    raised = [
        number
        for number, (before, after) in enumerate(pairwise([None, *conditions]))
        if after is not None and after.severity != "info" and (before is None or before.since != after.since)
    ]
    limits = THRESHOLDS["temperature"]
    for first, second in pairwise(raised):
        between = values[first + 1 : second + 1]
        if conditions[first].cause == conditions[second].cause == "high":  # type: ignore[union-attr]  # they were raised
            assert min(between) <= limits.high.warning - limits.margin
        elif conditions[first].cause == conditions[second].cause == "low":  # type: ignore[union-attr]  # they were raised
            assert max(between) >= limits.low.warning + limits.margin


@given(st.lists(st.floats(-0.49, 0.49), min_size=1, max_size=50))
def test_a_value_on_the_edge_raises_one_alert(offsets: list[float]) -> None:
    conditions = course("temperature", [26.6, *(26.5 + offset for offset in offsets)])
    assert set(conditions) == {Condition("high", "warning", START, "warning")}


@given(temperatures, temperatures)
def test_what_was_dismissed_stays_away_until_it_has_recovered_or_turns_critical(
    before: list[float], after: list[float]
) -> None:
    standing = course("temperature", [*before, 28.0])[-1]
    assert standing is not None
    dismissed = Condition(standing.cause, standing.severity, standing.since, standing.peak, dismissed=True)
    for number, value in enumerate(after):
        now = judge("temperature", value, START + HOUR + number * STEP, dismissed)
        if value > 29 and dismissed.severity == "warning":
            assert now == Condition("high", "critical", START + HOUR + number * STEP, "critical")
            break
        if value > 26.0:
            assert now == dismissed
        else:
            assert now is None or (now.cause == "low" and value < 10)
            break


def test_severity_rises_and_falls_in_one_alert_and_a_critical_one_leaves_a_notice() -> None:
    conditions = course("temperature", [25, 27, 29.5, 28.7, 28.4, 26.2, 25.9, 20])
    assert [each and (each.cause, each.severity) for each in conditions] == [
        None,
        ("high", "warning"),
        ("high", "critical"),
        ("high", "critical"),  # not yet inside by the margin
        ("high", "warning"),
        ("high", "warning"),
        ("recovered", "info"),
        ("recovered", "info"),
    ]
    assert len({each.since for each in conditions[1:6] if each}) == 1
    assert conditions[-1] is not None
    assert judge("temperature", 20, conditions[-1].since + NOTICE_LIFE, conditions[-1]) is None
    again = judge("temperature", 4, START + HOUR, conditions[-1])
    assert again == Condition("low", "critical", START + HOUR, "critical")
    assert threshold_of("temperature", again) == 6


def test_from_one_side_to_the_other_is_another_alert() -> None:
    low, high = course("ph", [6, 8.5])
    assert low == Condition("low", "warning", START, "warning")
    assert high == Condition("high", "warning", START + STEP, "warning")


@pytest.mark.parametrize(("silence", "told"), [(None, False), (SILENCE - 1, False), (SILENCE, True)])
def test_a_device_that_was_silent_for_long_is_told_of(silence: int | None, told: bool) -> None:
    notice = judge_contact(silence, START, None)
    assert (notice is not None) == told
    if notice is not None:
        assert judge_contact(STEP, START + NOTICE_LIFE - 1, notice) == notice
        assert judge_contact(STEP, START + NOTICE_LIFE, notice) is None


@given(st.lists(st.fixed_dictionaries({name: values_of[name] for name in MEASURES}), max_size=25), st.data())
def test_at_most_one_alert_is_open_at_each_measure(course_of: list[dict[str, float]], data: st.DataObject) -> None:
    heard: dict[str, int | None] = {"A": None, "B": None}
    board = Board([], heard, count(1))
    at = START
    for values in course_of:
        at += data.draw(st.sampled_from([STEP, SILENCE]))
        board.take(Reading(reservoir_id=data.draw(st.sampled_from("AB")), at=at, **values))
        open_at = [(alert.reservoir_id, alert.measure) for alert in board.raised if alert.closed_at is None]
        assert len(open_at) == len(set(open_at))
    for alert in board.raised:
        assert (alert.closed_at is None) == alert.standing
        assert alert.closed_at is None or alert.raised_at <= alert.changed_at <= alert.closed_at
    assert [alert.id for alert in board.raised] == list(range(1, len(board.raised) + 1))


def test_a_board_goes_on_with_the_alerts_of_before_and_tells_only_of_open_ones() -> None:
    def alert(id: int, measure: str, **more: object) -> Alert:
        high = {"cause": "high", "severity": "warning", "peak": "warning", "raised_at": START, "changed_at": START}
        return Alert(**{"id": id, "reservoir_id": "A", "measure": measure, **high, **more})

    opened = alert(1, "temperature")
    seen = alert(2, "ph", closed_at=START, closed_by="dismissed")
    board = Board([opened, seen], {"A": START}, count(3))

    board.take(Reading(reservoir_id="A", at=START + STEP, **{**FINE, "temperature": 27.0, "ph": 8.5}))
    assert board.changed == []
    board.take(Reading(reservoir_id="A", at=START + 2 * STEP, **FINE))
    assert board.changed == [opened, seen]
    assert board.changed_open == [opened]
    assert (opened.closed_by, seen.closed_by, seen.standing) == ("recovered", "dismissed", False)
    board.take(Reading(reservoir_id="A", at=START + 3 * STEP, **{**FINE, "ph": 8.5}))
    assert [(each.id, each.measure) for each in board.raised] == [(3, "ph")]


def test_the_simulation_crosses_a_threshold_every_ten_to_twenty_minutes() -> None:
    raised = 0
    for reservoir_id in SIMULATED:
        standing: dict[str, Condition | None] = {}
        for at in range(START, START + 48 * HOUR, 60_000):
            for name, value in simulated(reservoir_id, at).items():
                before = standing.get(name)
                standing[name] = now = judge(name, value, at, before)
                raised += now is not None and now.severity != "info" and (before is None or before.since != now.since)
    assert 10 <= 48 * 60 / raised <= 20
