"""The topic `operations`, whose followers get the snapshots of the last minutes, then each new one."""

from quart_app.domains.operations.looks import Looks
from quart_app.realtime import Channel, Identity, Kind, Peer, Welcome


class OperationsChannel(Channel):
    """The topic `operations`, for administrators; nothing can be said here."""

    kind = Kind.STATE

    def __init__(self, looks: Looks) -> None:
        self._looks = looks

    async def authorize(self, identity: Identity, topic: str) -> None:
        """Let administrators watch. Raise Refused (`forbidden`, 403)."""
        identity.require_admin()

    async def welcome(self, peer: Peer) -> Welcome:
        """Return `connected` with the snapshots (looks) of the last minutes."""
        return [("connected", {"data": await self._looks.before(peer.connection_id)})]
