"""Readings, alerts and their counts as REST answers them and as the topics tell of them, by field and type.

Times are ISO 8601, UTC, with milliseconds. This file knows neither tables nor requests.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from quart_app.domains.telemetry import rules
from quart_app.domains.telemetry.alerting import ALERT_ID, Cause, Severity, Side
from quart_app.domains.telemetry.rules import MEASURES

ReservoirId = Annotated[
    str,
    Meta(
        pattern=rules.RESERVOIR_ID,
        max_length=rules.RESERVOIR_ID_CHARACTERS,
        examples=["EMBALSE_01"],
        extra={"words": f"1 to {rules.RESERVOIR_ID_CHARACTERS} letters, digits, - or _"},
    ),
]
Temperature = Annotated[
    float, Meta(ge=MEASURES["temperature"].low, le=MEASURES["temperature"].high, description="°C", examples=[21.5])
]
Ph = Annotated[float, Meta(ge=MEASURES["ph"].low, le=MEASURES["ph"].high, description="pH", examples=[7.2])]
Conductivity = Annotated[
    float, Meta(ge=MEASURES["conductivity"].low, le=MEASURES["conductivity"].high, description="µS/cm", examples=[480])
]
WaterLevel = Annotated[
    float,
    Meta(ge=MEASURES["water_level"].low, le=MEASURES["water_level"].high, description="% full", examples=[73]),
]
Moment = Annotated[str, Meta(description="ISO 8601, UTC", examples=["2025-01-31T12:00:00.000Z"])]
AlertId = Annotated[str, Meta(pattern=ALERT_ID, examples=["alerta_123"], extra={"words": "the id of an alert"})]
Count = Annotated[int, Meta(ge=0, examples=[1])]


class SensorState(Struct, frozen=True, kw_only=True):
    """The newest reading of a reservoir."""

    temperature: Temperature
    ph: Ph
    conductivity: Conductivity
    water_level: WaterLevel
    reservoir_id: ReservoirId


class StoredReading(SensorState, frozen=True, kw_only=True):
    """A reading as it is kept; `timestamp` is the time at which it was taken."""

    id: Annotated[int, Meta(ge=1)]
    timestamp: Moment


class AlertState(Struct, frozen=True, kw_only=True):
    """An alert as it is now.

    `cause`: too low, too high, inside again after having been critical, or heard of again after a long silence.
    `measure` is null where the alert is about the reservoir as a whole. `value` is the one that raised the alert or
    changed its severity last, `threshold` the one that it passed. `closed_by`: `recovered` (inside again), `dismissed`
    (by somebody), `expired` (an info, after a while); null while it is open.
    """

    id: AlertId
    reservoir_id: ReservoirId
    measure: Literal["temperature", "ph", "conductivity", "water_level"] | None
    cause: Cause
    severity: Severity
    value: float | None
    threshold: float | None
    raised_at: Moment
    changed_at: Moment
    closed_at: Moment | None
    closed_by: Literal["recovered", "dismissed", "expired"] | None


class Counts(Struct, frozen=True, kw_only=True):
    """How many alerts are open, by severity."""

    total: Count
    critical: Count
    warning: Count
    info: Count


class AlertChange(Counts, frozen=True, kw_only=True):
    """The counts after the change of `alert`, which is as it is now."""

    alert: AlertState


class Summary(Counts, frozen=True, kw_only=True):
    """The counts of open alerts; `last_updated` is when an alert changed last, null where there never was one."""

    has_critical: bool
    last_updated: Moment | None


class MeasureThresholds(Struct, frozen=True):
    """The limits beyond which a measure is worth an alert, and how far inside it has to be before the alert is over."""

    measure: Annotated[str, Meta(examples=["temperature"])]
    low: Side
    high: Side
    margin: float
