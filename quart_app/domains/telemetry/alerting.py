"""The decisions about alerts: thresholds, hysteresis, and the condition of a measure after each of its values.

The functions are pure. An alert is raised where a value passes a threshold and is over when the value is back inside by
the margin, so that a value that wavers at a threshold raises a single alert. Times are ms since the Unix epoch. This
file knows neither tables nor the wire's messages.
"""

from dataclasses import dataclass, replace
from typing import Final, Literal, get_args

Severity = Literal["critical", "warning", "info"]
SEVERITIES: Final[tuple[Severity, ...]] = get_args(Severity)
Cause = Literal["low", "high", "recovered", "contact"]
"""`recovered`: inside again, after having been critical. `contact`: heard of again, after a long silence."""

SILENCE: Final = 30 * 60_000  # ms without a reading, after which the next one is worth an info
NOTICE_LIFE: Final = 15 * 60_000  # ms after which an info is over by itself

ALERTS_KEPT: Final = 100_000  # closed alerts
ALERTS_AGE: Final = 30 * 24 * 3_600_000  # ms since one was closed
PAGE_DEFAULT: Final = 50  # alerts
PAGE_LIMIT: Final = 500  # alerts

_PREFIX: Final = "alerta_"
ALERT_ID: Final = rf"^{_PREFIX}[1-9][0-9]{{0,17}}(?!\n)$"


@dataclass(frozen=True, slots=True)
class Side:
    """The limits on one side: beyond the first a measure is a warning, beyond the second it is critical."""

    warning: float
    critical: float


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The limits of a measure on both sides, beyond which it is worth an alert.

    `margin` is how far inside a threshold a value has to be again before it counts as back.
    """

    low: Side
    high: Side
    margin: float


THRESHOLDS: Final = {
    "temperature": Thresholds(low=Side(10, 6), high=Side(26.5, 29), margin=0.5),
    "ph": Thresholds(low=Side(6.2, 5.8), high=Side(8.3, 8.8), margin=0.1),
    "conductivity": Thresholds(low=Side(100, 50), high=Side(750, 850), margin=15),
    "water_level": Thresholds(low=Side(40, 25), high=Side(96, 98.5), margin=1),
}


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition of a measure that is worth an alert; it began at `since` (ms since the Unix epoch).

    `peak` is the worst severity it has had. `dismissed` tells that somebody has closed its alert although the condition
    has not passed yet.
    """

    cause: Cause
    severity: Severity
    since: int
    peak: Severity
    dismissed: bool = False


def judge(measure: str, value: float, at: int, standing: Condition | None) -> Condition | None:
    """Return the condition of `measure` now that its value is `value`; None where it is in order.

    That is `standing` as it is, `standing` with another severity, another condition, or None. A dismissed condition
    stays as it was until the value has recovered; if it turns critical, which nobody has seen yet, a new one begins.
    """
    if standing is not None and standing.cause in {"low", "high"}:
        severity = _severity(measure, standing.cause, value, held=standing.severity)
        if severity is not None:
            if not standing.dismissed:
                return _at(standing, severity)
            worse = severity == "critical" != standing.severity
            return Condition(standing.cause, severity, at, severity) if worse else standing
    for cause in ("low", "high"):
        severity = _severity(measure, cause, value)
        if severity is not None:
            return Condition(cause, severity, at, severity)
    if standing is None or standing.dismissed:
        return None
    if standing.cause == "recovered":
        return _unless_old(standing, at)
    return Condition("recovered", "info", at, "info") if standing.peak == "critical" else None


def judge_contact(silence: int | None, at: int, standing: Condition | None) -> Condition | None:
    """Return the notice that stands for a device heard after `silence` ms (None: for the first time): a new one after a
    long silence, else `standing` until it is too old, else None."""
    if silence is not None and silence >= SILENCE:
        return Condition("contact", "info", at, "info")
    return None if standing is None else _unless_old(standing, at)


def threshold_of(measure: str | None, condition: Condition) -> float | None:
    """Return the threshold that the value has passed; None where the condition has none."""
    if measure is None or condition.severity == "info":
        return None
    thresholds = THRESHOLDS[measure]
    side = thresholds.low if condition.cause == "low" else thresholds.high
    return side.critical if condition.severity == "critical" else side.warning


def alert_name(id: int) -> str:
    """Return the id of an alert as the wire has it."""
    return f"{_PREFIX}{id}"


def alert_number(name: str) -> int:
    """Return the number of an alert's id on the wire, which matches ALERT_ID."""
    return int(name.removeprefix(_PREFIX))


def _severity(measure: str, cause: str, value: float, held: Severity | None = None) -> Severity | None:
    """Return how far out `value` is on one side, None where it is inside.

    A level that is `held` holds until the value is inside by the margin.
    """
    thresholds = THRESHOLDS[measure]
    side, sign = (thresholds.low, -1) if cause == "low" else (thresholds.high, 1)
    if sign * (value - side.critical) > (-thresholds.margin if held == "critical" else 0):
        return "critical"
    if sign * (value - side.warning) > (-thresholds.margin if held else 0):
        return "warning"
    return None


def _at(standing: Condition, severity: Severity) -> Condition:
    peak: Severity = "critical" if "critical" in {standing.peak, severity} else severity
    return replace(standing, severity=severity, peak=peak)


def _unless_old(notice: Condition, at: int) -> Condition | None:
    # One that began in the future was begun by a clock that was wrong.
    return notice if abs(at - notice.since) < NOTICE_LIFE else None
