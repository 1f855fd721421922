"""What a domain implements to be followed live, and how it refuses.

A channel answers for all topics of one pattern: who may come in, what they are welcomed with, what
they may say. It never sees a socket.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from quart_app.realtime import limits
from quart_app.realtime.event import Message, message
from quart_app.realtime.topic import Kind

ADMIN = "admin"
Welcome = Sequence[tuple[str, dict[str, Any]]]


class Refused(Exception):
    """A request that cannot be honoured, for a reason its sender can understand.

    `code` is the wire's error code, `status` the HTTP status, `fields` what is wrong by field
    name, `retry_after` the seconds after which it may be tried again.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int = 400,
        fields: Mapping[str, str] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.fields = fields
        self.retry_after = retry_after

    def data(self) -> dict[str, Any]:
        """The `data` of the `error` message that tells of it; `retry_after` in ms there."""
        data: dict[str, Any] = {"message": self.message, "code": self.code}
        if self.fields:
            data["fields"] = dict(self.fields)
        if self.retry_after is not None:
            data["retry_after"] = round(self.retry_after * 1000)
        return data


@dataclass(frozen=True, slots=True)
class Identity:
    """Who speaks: `user_id` unique, `username` shown, `role` as the token gives it. `nameless`: the
    id was made up for a guest, who has another one the next time. `expires_at`: when the token ends
    (s since the Unix epoch), and with it every connection that was opened by it."""

    user_id: str
    username: str
    role: str = "user"
    nameless: bool = False
    expires_at: int | None = field(default=None, compare=False)

    @property
    def key_owner(self) -> str:
        """Whose idempotency keys theirs are: all guests share, for one who repeats a command after a
        reconnect is another one by then."""
        return "" if self.nameless else self.user_id

    @property
    def wire_id(self) -> int | str:
        """`user_id` as it goes out: a JSON number when it is all digits."""
        return int(self.user_id) if _is_number(self.user_id) else self.user_id

    @property
    def is_admin(self) -> bool:
        """Whether they may see and do everything; in open mode everybody may."""
        return self.role == ADMIN

    @property
    def user(self) -> dict[str, Any]:
        """The `{user_id, username}` of the wire."""
        return {"user_id": self.wire_id, "username": self.username}


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 15 and (text == "0" or text[0] != "0")


@dataclass(slots=True)
class Peer:
    """One connection as a channel sees it, on one of its topics, for one exchange.

    `resumed`: it came with a cursor that is honoured, so it needs no history. `position`: where
    its events start; a snapshot for it holds what was committed up to there. `key`: the client's
    own name for the message it sent, which its replies carry back.
    """

    connection_id: str
    identity: Identity
    topic: str
    position: int
    resumed: bool
    send: Callable[[Message], None]
    key: str | None = None
    replied: bool = False

    def reply(self, type: str, **fields: Any) -> None:
        """Send a message to this connection alone, before any event published from now on."""
        self.replied = True
        if self.key is not None:
            fields["key"] = self.key
        self.send(message(type, topic=self.topic, **fields))


class Channel:
    """The default channel: everybody may come in, is told `connected`, and may say nothing."""

    kind: Kind = Kind.DURABLE

    async def authorize(self, identity: Identity, topic: str) -> None:
        """Raise Refused (401, 403, 404) where `identity` may not follow `topic`."""

    async def welcome(self, peer: Peer) -> Welcome:
        """The messages a new connection starts with, as (type, top-level fields); one at least."""
        return [("connected", {})]

    async def handle(self, peer: Peer, body: dict[str, Any]) -> None:
        """Act on what `peer` said, answering with `peer.reply`. It reaches its unit of work before
        its first suspension, so that commands of one connection keep their order. Raises
        Refused."""
        type = body.get("type", body.get("action"))
        if type is None:
            raise Refused("unknown_type", "the message has no type")
        raise Refused("unknown_type", f"unknown message type {str(type)[: limits.TYPE_CHARACTERS]!r}")

    def left(self, peer: Peer, *, orderly: bool) -> None:
        """`peer` is gone; `orderly` when it said so."""
