"""The pages of the telemetry: the live charts and alerts, and the monitor of the older system."""

from typing import Any, Final

from msgspec import to_builtins
from quart import Blueprint, render_template

from quart_app.domains import Program
from quart_app.domains.telemetry.access import may_dismiss, may_send
from quart_app.domains.telemetry.alerting import SEVERITIES, THRESHOLDS
from quart_app.domains.telemetry.alerts import Alerts
from quart_app.domains.telemetry.rules import MEASURES
from quart_app.domains.telemetry.service import Telemetry
from quart_app.domains.telemetry.shapes import AlertState
from quart_app.realtime import Hub
from quart_app.web.context import speaker
from quart_app.web.i18n import local_number

_OPEN_SHOWN: Final = 200  # alerts
_CLOSED_SHOWN: Final = 20


def pages(program: Program, telemetry: Telemetry, alerts: Alerts) -> Blueprint:
    """Return `/telemetry` and `/telemetry/vue`."""
    shown = _Pages(program.hub, telemetry, alerts)
    blueprint = Blueprint("telemetry_pages", __name__, template_folder="templates")
    blueprint.get("/telemetry")(shown.telemetry)
    blueprint.get("/telemetry/vue")(shown.monitor)
    return blueprint


class _Pages:
    def __init__(self, hub: Hub, telemetry: Telemetry, alerts: Alerts) -> None:
        self._hub = hub
        self._telemetry = telemetry
        self._alerts = alerts

    async def telemetry(self) -> str:
        """Show the live charts and alerts, with what is known already."""
        visitor = speaker()
        cursor = self._hub.cursor
        given = {
            "cursor": cursor,
            "reservoirs": await self._telemetry.latest(),
            "counts": await self._alerts.counts(),
            "open": sorted(await self._alerts.page(open=True, limit=_OPEN_SHOWN), key=_rank),
            "closed": await self._alerts.page(open=False, limit=_CLOSED_SHOWN),
            "limits": {name: _limits(name) for name in MEASURES},
            "may_dismiss": may_dismiss(visitor),
        }
        return await render_template(
            "telemetry/index.html", given=to_builtins(given), shown=_shown, short=_short, may_send=may_send(visitor)
        )

    async def monitor(self) -> str:
        """Show the monitor of the older system, in Vue."""
        speaker()
        return await render_template("telemetry/vue.html", counts=to_builtins(await self._alerts.counts()))


def _rank(alert: AlertState) -> int:
    """Return an alert's place in the list: the worst come first, as in the page's script."""
    return SEVERITIES.index(alert.severity)


def _limits(measure: str) -> dict[str, Any]:
    """Return the range of a measure and the limits beyond which it is worth an alert."""
    allowed = MEASURES[measure]
    return {"least": allowed.low, "most": allowed.high, "thresholds": THRESHOLDS[measure]}


def _shown(value: float, decimals: int) -> str:
    """Return a number as the page's language writes it."""
    return local_number(f"{value:.{decimals}f}")


def _short(value: float) -> str:
    """Return a number as the page's language writes it, no longer than it has to be."""
    return local_number(f"{value:g}")
