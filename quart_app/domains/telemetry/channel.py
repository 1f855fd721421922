"""The topics `sensors` and `alerts`: what a newcomer is told, and what may be asked there."""

from typing import Any

from quart_app.domains.telemetry.alerts import Alerts
from quart_app.realtime import Channel, Kind, Peer, Welcome


class SensorChannel(Channel):
    """The topic `sensors`, with the latest reading of each reservoir.

    Everybody may follow it; readings come in through REST.
    """

    kind = Kind.STATE


class AlertChannel(Channel):
    """The topic `alerts`.

    Everybody may follow it and ask for the counts; alerts are dismissed through REST.
    """

    def __init__(self, alerts: Alerts) -> None:
        self._alerts = alerts

    async def welcome(self, peer: Peer) -> Welcome:
        """Return `initial` with the counts.

        A client that resumes gets it too: the counts are complete, and the messages that it missed carry later counts.
        """
        return [("initial", {"data": await self._alerts.counts()})]

    async def handle(self, peer: Peer, body: dict[str, Any]) -> None:
        """Answer `{"type": "refresh"}` with the counts; the clients of the older system say `action` in the place of
        `type`. Raise Refused."""
        if body.get("type", body.get("action")) != "refresh":
            return await super().handle(peer, body)
        peer.reply("refresh", data=await self._alerts.counts())
        return None
