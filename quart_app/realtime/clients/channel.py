"""A channel is what a domain implements so that its topics can be followed live.

A channel answers for all topics of one pattern: who may come in, what they are welcomed with, what
they may say. It never sees a socket.
"""

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from quart_app.realtime import limits
from quart_app.realtime.clients.identity import Identity
from quart_app.realtime.messages.event import Message, message
from quart_app.realtime.messages.kinds import Kind
from quart_app.realtime.messages.refused import Refused
from quart_app.wire import Control

Welcome = Sequence[tuple[str, dict[str, Any]]]


def topic_closed(topic: str) -> Refused:
    """Return the refusal of a message that a client publishes where only the program does."""
    return Refused("topic_closed", f"only functions of this server publish into {topic}", status=403)


class Peer(Struct):
    """One connection as a channel sees it, on one of its topics, for one exchange.

    `resumed` tells that it came with a cursor which is honoured, so that it needs no history. `position` is where its
    events start: a snapshot for it holds what was committed up to there. `key` is the client's own name for the message
    that it sent, which its replies carry back. `wall()` returns the time of its replies (ms since the Unix epoch).
    `lingered` tells of one that is gone that it was kept for as long as a dropped one lingers.
    """

    connection_id: str
    identity: Identity
    topic: str
    position: int
    resumed: bool
    send: Callable[[Message], None]
    wall: Callable[[], int]
    key: str | None = None
    replied: bool = False
    lingered: bool = False

    def reply(self, type: str, **fields: Any) -> None:
        """Send a message to this connection alone, before any event published from now on."""
        self.replied = True
        if self.key is not None:
            fields["key"] = self.key
        self.send(message(type, at=self.wall(), topic=self.topic, **fields))


class Channel:
    """The default channel: everybody may come in, is told `connected`, and may say nothing."""

    kind: Kind = Kind.DURABLE
    open = False
    """This flag tells whether clients may publish into its topics what they like."""
    mute = False
    """This flag tells that clients have nothing to say in its topics, which only the program writes."""

    async def authorize(self, identity: Identity, topic: str) -> None:
        """Raise Refused (401, 403, 404) where `identity` may not follow `topic`."""

    async def welcome(self, peer: Peer) -> Welcome:
        """Return the messages that a new connection starts with, as (type, top-level fields); at least one."""
        return [(Control.CONNECTED, {})]

    def handle_now(self, peer: Peer, body: dict[str, Any]) -> bool:
        """Act on what `peer` said where nothing has to be waited for, and answer as `handle` does; return whether that
        was so. Raise Refused.

        What is done here costs no task. The rest goes to `handle`.
        """
        return False

    async def handle(self, peer: Peer, body: dict[str, Any]) -> None:
        """Act on what `peer` said, and answer with `peer.reply`. Raise Refused.

        A channel reaches its unit of work before its first suspension, so that commands of one connection keep their
        order.
        """
        type = body.get("type", body.get("action"))
        if type is None:
            raise Refused("unknown_type", "the message has no type")
        raise Refused("unknown_type", f"unknown message type {str(type)[: limits.TYPE_CHARACTERS]!r}")

    def left(self, peer: Peer, *, orderly: bool) -> None:
        """Note that `peer` is gone; `orderly` tells that it said goodbye."""
