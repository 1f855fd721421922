"""What clients may send to the telemetry, by field and type."""

from typing import Annotated

from msgspec import Meta, Struct

from quart_app.domains.telemetry import alerting, rules
from quart_app.domains.telemetry.shapes import AlertId, Conductivity, Ph, ReservoirId, Temperature, WaterLevel


class DeviceReading(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a device measures.

    `timestamp` is the time at which it did, where that is not now: ISO 8601, UTC where it names no zone, 30 days ago at
    most and at most 5 minutes ahead.
    """

    reservoir_id: ReservoirId
    temperature: Temperature
    ph: Ph
    conductivity: Conductivity
    water_level: WaterLevel
    timestamp: str | None = None


Several = Annotated[list[DeviceReading], Meta(min_length=1, max_length=rules.BATCH)]
DeviceReadings = DeviceReading | Several
"""The body of `POST /api/sensors`: one reading, or a list."""


class Dismissal(Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /api/alerts/dismiss`."""

    alert_id: AlertId


class HistoryQuery(Struct, frozen=True):
    """The query of `GET /api/sensors`."""

    reservoir_id: ReservoirId | None = None
    since: Annotated[str, Meta(description="ISO 8601, or ms since 1970", examples=["2025-01-31T12:00:00Z"])] | None = (
        None
    )
    limit: Annotated[int, Meta(ge=1, le=rules.HISTORY_LIMIT)] = rules.HISTORY_DEFAULT
    every: (
        Annotated[
            int, Meta(ge=1, le=rules.LONGEST_STEP, description="s; one reading of each such stretch, of one reservoir")
        ]
        | None
    ) = None


class AlertPage(Struct, frozen=True):
    """The query of `GET /api/alerts`."""

    open: Annotated[bool, Meta(description="Only those that are open, or only those that are closed.")] | None = None
    reservoir_id: ReservoirId | None = None
    before: Annotated[AlertId, Meta(description="Only older ones than this.")] | None = None
    limit: Annotated[int, Meta(ge=1, le=alerting.PAGE_LIMIT)] = alerting.PAGE_DEFAULT
