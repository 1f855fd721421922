"""The board holds the condition of each measure of some reservoirs while their readings are judged one by one.

It applies `alerting`'s decisions to alerts in memory; it loads, saves and tells nothing.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import cast

from quart_app.domains.telemetry import alerting
from quart_app.domains.telemetry.alerting import Cause, Condition, Severity, judge, judge_contact
from quart_app.domains.telemetry.models import Alert, Reading
from quart_app.domains.telemetry.rules import MEASURES
from quart_app.domains.telemetry.simulation import SIMULATED


class Board:
    """The conditions at the measures of some reservoirs while their readings are judged.

    `standing` holds the alerts whose conditions have not passed. `heard` is when each reservoir spoke last (ms since
    the Unix epoch), None where never. `ids` are those of new alerts.

    Afterwards `raised` holds the alerts that are new, in order, perhaps closed again; `changed` the earlier ones that
    are not as they were, and `changed_open` those of them that had been open.
    """

    def __init__(self, standing: Iterable[Alert], heard: Mapping[str, int | None], ids: Iterator[int]) -> None:
        self.raised: list[Alert] = []
        self._ids = ids
        self._before = list(standing)
        self._was_open = [alert for alert in self._before if alert.closed_at is None]
        self._changed: set[int] = set()
        self._standing = {(alert.reservoir_id, alert.measure): alert for alert in self._before}
        self._heard = dict(heard)

    @property
    def changed(self) -> list[Alert]:
        return [alert for alert in self._before if alert.id in self._changed]

    @property
    def changed_open(self) -> list[Alert]:
        return [alert for alert in self._was_open if alert.id in self._changed]

    def take(self, reading: Reading) -> None:
        """Judge the next reading."""
        for measure in MEASURES:
            standing = self._condition(reading, measure)
            self._settle(reading, measure, judge(measure, getattr(reading, measure), reading.at, standing))
        heard = self._heard[reading.reservoir_id]
        self._heard[reading.reservoir_id] = reading.at
        if reading.reservoir_id not in SIMULATED:  # simulated ones rest while nobody watches
            silence = None if heard is None else reading.at - heard
            self._settle(reading, None, judge_contact(silence, reading.at, self._condition(reading, None)))

    def _condition(self, reading: Reading, measure: str | None) -> Condition | None:
        alert = self._standing.get((reading.reservoir_id, measure))
        if alert is None:
            return None
        return Condition(
            cast("Cause", alert.cause),
            cast("Severity", alert.severity),
            alert.raised_at,
            cast("Severity", alert.peak),
            dismissed=alert.closed_at is not None,
        )

    def _settle(self, reading: Reading, measure: str | None, condition: Condition | None) -> None:
        """Let `condition`, or no condition where that is None, be the one that stands at the measure."""
        stood = self._condition(reading, measure)
        if condition == stood:
            return
        slot = (reading.reservoir_id, measure)
        if stood is not None and (
            condition is None or (condition.cause, condition.since) != (stood.cause, stood.since)
        ):
            alert = self._standing.pop(slot)
            end(alert, reading.at, "expired" if alert.severity == "info" else "recovered")
            self._changed.add(alert.id)
        if condition is not None:
            self._write(slot, reading, condition)

    def _write(self, slot: tuple[str, str | None], reading: Reading, condition: Condition) -> None:
        alert = self._standing.get(slot)
        if alert is None:
            alert = Alert(id=next(self._ids), reservoir_id=slot[0], measure=slot[1], raised_at=condition.since)
            self._standing[slot] = alert
            self.raised.append(alert)
        alert.cause, alert.severity, alert.peak = condition.cause, condition.severity, condition.peak
        alert.value = None if slot[1] is None else getattr(reading, slot[1])
        alert.threshold = alerting.threshold_of(slot[1], condition)
        alert.changed_at = reading.at
        self._changed.add(alert.id)


def end(alert: Alert, at: int, why: str) -> bool:
    """End the alert's condition `at` (ms since the Unix epoch), and return whether the alert was open, which this
    closes."""
    alert.standing = False
    if alert.closed_at is not None:
        return False
    alert.changed_at = alert.closed_at = at
    alert.closed_by = why
    return True
