"""The topics of hunts and sweeps: who follows one is told what it has come to, and then each step."""

from quart_app.domains.lab.service import Searches
from quart_app.realtime import Channel, Identity, Kind, Peer, Welcome


class SearchChannel(Channel):
    """The topics `lab/hunts/<id>` and `lab/sweeps/<id>`.

    Their memory would never be given back if they were states: the newest is kept by the searches, which are few.
    """

    kind = Kind.SIGNAL

    def __init__(self, searches: Searches) -> None:
        self._searches = searches

    async def authorize(self, identity: Identity, topic: str) -> None:
        """Let everybody follow a search that is kept. Raise Refused (404) for another one."""
        await self._searches.state(topic)

    async def welcome(self, peer: Peer) -> Welcome:
        """Return the newest. A client that resumes gets it too: it is complete."""
        return [await self._searches.state(peer.topic)]
