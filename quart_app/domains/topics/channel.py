"""Following and publishing on a topic of an open namespace: everybody may."""

from typing import Any

from quart_app.domains.topics.requests import Publication
from quart_app.domains.topics.service import Publisher
from quart_app.realtime import Channel, Kind, Peer, checked


class OpenChannel(Channel):
    """A topic of an open namespace, where everybody may publish."""

    def __init__(self, kind: Kind, publisher: Publisher) -> None:
        self.kind = kind
        self._publisher = publisher

    async def handle(self, peer: Peer, body: dict[str, Any]) -> None:
        """Publish `{type, data}` from a client to all, and answer with `published` (`id`). Raise Refused."""
        publication = checked({**body, "topic": peer.topic}, Publication)
        await self._publisher.publish(
            [publication],
            peer.identity,
            key=peer.key,
            on_commit=lambda cursor: peer.reply("published", id=cursor),
        )
