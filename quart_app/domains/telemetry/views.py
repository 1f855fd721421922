"""REST of the telemetry, its readings and its alerts: reads the request, asks the service, answers.

Every snapshot carries the cursor that was read before its data.
"""

from typing import Any

from quart import Blueprint, Response, request

from quart_app.domains import Program
from quart_app.domains.telemetry import parsing
from quart_app.domains.telemetry.access import require_device, require_operator
from quart_app.domains.telemetry.alerting import THRESHOLDS, alert_name, alert_number
from quart_app.domains.telemetry.alerts import Alerts
from quart_app.domains.telemetry.requests import AlertPage, DeviceReadings, Dismissal, HistoryQuery
from quart_app.domains.telemetry.service import Telemetry
from quart_app.domains.telemetry.shapes import AlertId, AlertState, MeasureThresholds, StoredReading, Summary
from quart_app.realtime import Hub, checked, wrong_fields
from quart_app.storage.idempotency import IdempotencyKey
from quart_app.surroundings import now
from quart_app.web.context import speaker
from quart_app.web.operations import Operation
from quart_app.web.rest import idempotency_key, json_body, success


def routes(program: Program, telemetry: Telemetry, alerts: Alerts) -> Blueprint:
    """Return `/api/sensors`, `/api/alerts…`, `/api/thresholds`, and `/alerts/dismiss` as the older system had it."""
    readings, of_alerts = _Readings(program.hub, telemetry), _Alerts(program.hub, alerts)
    blueprint = Blueprint("telemetry", __name__)
    blueprint.post("/api/sensors")(readings.record)
    blueprint.get("/api/sensors")(readings.history)
    blueprint.get("/api/alerts")(of_alerts.listing)
    blueprint.get("/api/alerts/summary")(of_alerts.summary)
    blueprint.get("/api/thresholds")(of_alerts.thresholds)
    blueprint.post("/api/alerts/dismiss")(of_alerts.dismiss)
    blueprint.post("/alerts/dismiss", endpoint="dismiss_as_before")(of_alerts.dismiss)
    return blueprint


class _Readings:
    def __init__(self, hub: Hub, telemetry: Telemetry) -> None:
        self._hub = hub
        self._telemetry = telemetry

    @Operation(
        tag="telemetry", body=DeviceReadings, answer=StoredReading | list[StoredReading], status=201, refusals=(409,)
    )
    async def record(self) -> Response:
        """Store a device's reading, or a list of up to 1,000.

        The answer is 201 with the readings as they are kept. A reading that is older than its reservoir's latest is
        kept for the history, and changes nothing else. For the roles `device` and `operator`.
        """
        who = speaker()
        require_device(who)
        body = await json_body()
        key = IdempotencyKey.of("sensors", who, idempotency_key(), body)
        stored = await self._telemetry.record(parsing.readings(body, now()), key, by=who)
        return success(stored if isinstance(body, list) else stored[0], status=201)

    @Operation(tag="telemetry", query=HistoryQuery, answer=list[StoredReading], beside=(("cursor", str),))
    async def history(self) -> Response:
        """List readings, oldest first, of one reservoir or of all.

        They are the first `limit` from `since` on, without it the newest. With `every` (s), which needs a
        `reservoir_id`, they are the newest of each stretch of so many seconds, for the `limit` stretches from `since`
        on or up to now. `cursor` is where to follow the topic from.
        """
        speaker()
        asked = parsing.query(request.args, HistoryQuery)
        since = parsing.optional_moment(asked.since)
        cursor = self._hub.cursor
        if asked.every is None:
            found = await self._telemetry.history(asked.reservoir_id, since, asked.limit)
        elif asked.reservoir_id is None:
            raise wrong_fields({"reservoir_id": "needed with `every`"})
        else:
            found = await self._telemetry.thinned(asked.reservoir_id, since, asked.limit, asked.every * 1000)
        return success(found, cursor=cursor)


class _Alerts:
    def __init__(self, hub: Hub, alerts: Alerts) -> None:
        self._hub = hub
        self._alerts = alerts

    @Operation(
        tag="telemetry",
        query=AlertPage,
        answer=list[AlertState],
        beside=(("cursor", str), ("next", AlertId | None)),
    )
    async def listing(self) -> Response:
        """List alerts, newest first.

        `next` is what to give as `before` for the page after this one, null on the last; `cursor` is where to follow
        the topic from.
        """
        speaker()
        asked = parsing.query(request.args, AlertPage)
        before = None if asked.before is None else alert_number(asked.before)
        cursor = self._hub.cursor
        found = await self._alerts.page(
            limit=asked.limit + 1, open=asked.open, reservoir_id=asked.reservoir_id, before=before
        )
        more = found[asked.limit - 1].id if len(found) > asked.limit else None
        return success(found[: asked.limit], cursor=cursor, next=more)

    @Operation(tag="telemetry", answer=Summary)
    async def summary(self) -> Response:
        """Count the open alerts, by severity."""
        speaker()
        return success(await self._alerts.summary())

    @Operation(tag="telemetry", answer=list[MeasureThresholds])
    async def thresholds(self) -> Response:
        """List the limits of each measure beyond which it is worth an alert."""
        speaker()
        return success([MeasureThresholds(name, each.low, each.high, each.margin) for name, each in THRESHOLDS.items()])

    @Operation(tag="telemetry", body=Dismissal, answer=AlertState, beside=(("message", str),), refusals=(404, 409))
    async def dismiss(self) -> Response:
        """Close an open alert.

        `data` is the alert as it is then. 404 for an unknown one, 409 for one closed already. For the role `operator`.
        """
        who = speaker()
        require_operator(who)
        asked = checked(await json_body(), Dismissal)
        scoped = IdempotencyKey.of("alerts", who, idempotency_key(), asked)
        closed: Any = await self._alerts.dismiss(alert_number(asked.alert_id), who, scoped)
        return success(closed, message=f"{alert_name(alert_number(asked.alert_id))} is closed")
