"""Following and publishing on a topic of an open namespace: everybody may."""

from typing import Any

from quart_app.domains.topics.requests import Publication
from quart_app.domains.topics.service import Publisher
from quart_app.realtime import Channel, Kind, Peer, checked


class OpenChannel(Channel):
    """A topic of an open namespace, where everybody may publish."""

    open = True

    def __init__(self, kind: Kind, publisher: Publisher) -> None:
        self.kind = kind
        self._publisher = publisher

    def handle_now(self, peer: Peer, body: dict[str, Any]) -> bool:
        """Publish `{type, data}` from a client to all where nothing is to be stored, and answer with `published`
        (`id`). Raise Refused."""
        if self.kind is Kind.DURABLE or peer.key is not None:
            return False
        peer.reply("published", id=self._publisher.publish_now([_publication(peer, body)], peer.identity))
        return True

    async def handle(self, peer: Peer, body: dict[str, Any]) -> None:
        """Publish `{type, data}` from a client to all, and answer with `published` (`id`). Raise Refused."""
        await self._publisher.publish(
            [_publication(peer, body)],
            peer.identity,
            key=peer.key,
            on_commit=lambda cursor: peer.reply("published", id=cursor),
        )


def _publication(peer: Peer, body: dict[str, Any]) -> Publication:
    return checked(body if "topic" in body else {**body, "topic": peer.topic}, Publication)
