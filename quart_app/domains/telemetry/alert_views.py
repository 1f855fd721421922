"""The alerts over REST."""

from typing import Annotated, Any

from msgspec import Meta, Struct
from quart import Response, request

from quart_app.config import Settings
from quart_app.domains.telemetry import parsing
from quart_app.domains.telemetry.alerting import THRESHOLDS, Side, alert_name, alert_number
from quart_app.domains.telemetry.alerts import Alerts
from quart_app.domains.telemetry.events import AlertId, AlertState, Summary
from quart_app.domains.telemetry.requests import AlertPage, Dismissal
from quart_app.domains.telemetry.service import Telemetry
from quart_app.identity import identify
from quart_app.realtime import checked
from quart_app.storage.idempotency import IdempotencyKey
from quart_app.web.operations import Operation
from quart_app.web.rest import idempotency_key, json_body, success


class MeasureThresholds(Struct, frozen=True):
    """From where on a measure is worth an alert, and how far inside it has to be again before the alert is over."""

    measure: Annotated[str, Meta(examples=["temperature"])]
    low: Side
    high: Side
    margin: float


class AlertViews:
    """`/api/alerts…`, and `/alerts/dismiss` as the older system had it."""

    def __init__(self, telemetry: Telemetry, alerts: Alerts, settings: Settings) -> None:
        self._telemetry = telemetry
        self._alerts = alerts
        self._settings = settings

    @Operation(
        tag="telemetry",
        query=AlertPage,
        answer=list[AlertState],
        beside=(("cursor", str), ("next", AlertId | None)),
    )
    async def listing(self) -> Response:
        """Alerts, newest first. `next` is what to give as `before` for the page after this one, null on the last;
        `cursor` is where the topic's news go on."""
        identify(self._settings, request)
        asked = parsing.query(request.args, AlertPage)
        before = None if asked.before is None else alert_number(asked.before)
        cursor = self._telemetry.cursor
        found = await self._alerts.page(
            limit=asked.limit + 1, open=asked.open, reservoir_id=asked.reservoir_id, before=before
        )
        more = found[asked.limit - 1].id if len(found) > asked.limit else None
        return success(found[: asked.limit], cursor=cursor, next=more)

    @Operation(tag="telemetry", answer=Summary)
    async def summary(self) -> Response:
        """How many alerts are open, by severity."""
        identify(self._settings, request)
        return success(await self._alerts.summary())

    @Operation(tag="telemetry", answer=list[MeasureThresholds])
    async def thresholds(self) -> Response:
        """From where on each measure is worth an alert."""
        identify(self._settings, request)
        return success([MeasureThresholds(name, each.low, each.high, each.margin) for name, each in THRESHOLDS.items()])

    @Operation(tag="telemetry", body=Dismissal, answer=AlertState, beside=(("message", str),), refusals=(404, 409))
    async def dismiss(self) -> Response:
        """Close an open alert: `data` is it as it is then. 404 for an unknown one, 409 for one closed already."""
        who = identify(self._settings, request)
        asked = checked(await json_body(), Dismissal)
        scoped = IdempotencyKey.of("alerts", who, idempotency_key())
        closed: Any = await self._alerts.dismiss(alert_number(asked.alert_id), scoped)
        return success(closed, message=f"{alert_name(alert_number(asked.alert_id))} is closed")
