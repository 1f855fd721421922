"""The page of the telemetry, and its readings over REST; the alerts' REST is beside it."""

from typing import Any, Final

from msgspec import to_builtins
from quart import Blueprint, Response, render_template, request

from quart_app.config import Settings
from quart_app.domains.telemetry import parsing
from quart_app.domains.telemetry.alert_views import AlertViews
from quart_app.domains.telemetry.alerting import SEVERITIES, THRESHOLDS
from quart_app.domains.telemetry.alerts import Alerts
from quart_app.domains.telemetry.events import AlertState, StoredReading
from quart_app.domains.telemetry.requests import DeviceReadings, HistoryQuery
from quart_app.domains.telemetry.rules import MEASURES
from quart_app.domains.telemetry.service import Telemetry
from quart_app.identity import identify
from quart_app.realtime import now
from quart_app.storage.idempotency import IdempotencyKey
from quart_app.web.i18n import current_language
from quart_app.web.operations import Operation
from quart_app.web.rest import idempotency_key, json_body, success, wrong

_OPEN_SHOWN: Final = 200  # alerts
_CLOSED_SHOWN: Final = 20


def pages(telemetry: Telemetry, alerts: Alerts, settings: Settings) -> Blueprint:
    """`/api/sensors`, `/api/alerts…`, `/api/thresholds`, and the pages `/telemetry` and `/telemetry/vue`."""
    handlers = _Handlers(telemetry, alerts, settings)
    of_alerts = AlertViews(telemetry, alerts, settings)
    blueprint = Blueprint("telemetry", __name__, template_folder="templates")
    blueprint.post("/api/sensors")(handlers.record)
    blueprint.get("/api/sensors")(handlers.history)
    blueprint.get("/api/alerts")(of_alerts.listing)
    blueprint.get("/api/alerts/summary")(of_alerts.summary)
    blueprint.get("/api/thresholds")(of_alerts.thresholds)
    blueprint.post("/api/alerts/dismiss")(of_alerts.dismiss)
    blueprint.post("/alerts/dismiss", endpoint="dismiss_as_before")(of_alerts.dismiss)
    blueprint.get("/telemetry")(handlers.page)
    blueprint.get("/telemetry/vue")(handlers.monitor)
    return blueprint


class _Handlers:
    def __init__(self, telemetry: Telemetry, alerts: Alerts, settings: Settings) -> None:
        self._telemetry = telemetry
        self._alerts = alerts
        self._settings = settings

    @Operation(
        tag="telemetry", body=DeviceReadings, answer=StoredReading | list[StoredReading], status=201, refusals=(409,)
    )
    async def record(self) -> Response:
        """Store a device's reading, or a list of up to 1,000: 201 with the same as they are kept.

        What is older than the latest of its reservoir is kept for the history, and changes nothing else.
        """
        key = IdempotencyKey.of("sensors", identify(self._settings, request), idempotency_key())
        body = await json_body()
        stored = await self._telemetry.record(parsing.readings(body, now()), key)
        return success(stored if isinstance(body, list) else stored[0], status=201)

    @Operation(tag="telemetry", query=HistoryQuery, answer=list[StoredReading], beside=(("cursor", str),))
    async def history(self) -> Response:
        """Readings, oldest first: the first `limit` from `since` on, without it the newest; of one reservoir or of
        all. With `every` (s), which needs a `reservoir_id`, the newest of each stretch of so many seconds, for the
        `limit` stretches from `since` on or up to now. `cursor` is where the topic's news go on."""
        identify(self._settings, request)
        asked = parsing.query(request.args, HistoryQuery)
        since = parsing.moment(asked.since)
        cursor = self._telemetry.cursor
        if asked.every is None:
            found = await self._telemetry.history(asked.reservoir_id, since, asked.limit)
        elif asked.reservoir_id is None:
            raise wrong(reservoir_id="needed with `every`")
        else:
            found = await self._telemetry.thinned(asked.reservoir_id, since, asked.limit, asked.every * 1000)
        return success(found, cursor=cursor)

    async def page(self) -> str:
        """The live charts and alerts, with what is known already."""
        identify(self._settings, request)
        cursor = self._telemetry.cursor
        given = {
            "cursor": cursor,
            "reservoirs": await self._telemetry.latest(),
            "counts": await self._alerts.counts(),
            "open": sorted(await self._alerts.page(open=True, limit=_OPEN_SHOWN), key=_rank),
            "closed": await self._alerts.page(open=False, limit=_CLOSED_SHOWN),
            "limits": {name: _limits(name) for name in MEASURES},
        }
        return await render_template("telemetry/index.html", given=to_builtins(given), shown=_shown, short=_short)

    async def monitor(self) -> str:
        """The monitor of the older system, in Vue."""
        identify(self._settings, request)
        return await render_template("telemetry/vue.html", counts=to_builtins(await self._alerts.counts()))


def _rank(alert: AlertState) -> int:
    """The worst first, as the page goes on."""
    return SEVERITIES.index(alert.severity)


def _limits(measure: str) -> dict[str, Any]:
    """What a measure may be, and from where on it is worth an alert."""
    allowed = MEASURES[measure]
    return {"least": allowed.low, "most": allowed.high, "thresholds": THRESHOLDS[measure]}


def _shown(value: float, decimals: int) -> str:
    """A number as the page's language writes it."""
    return _in_words(f"{value:.{decimals}f}")


def _short(value: float) -> str:
    """The same, no longer than it has to be."""
    return _in_words(f"{value:g}")


def _in_words(number: str) -> str:
    return number.replace(".", ",") if current_language() == "es" else number
