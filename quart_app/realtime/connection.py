"""One client on one transport: its session, its subscription, its leases.

The transport reads batches from it and feeds it frames; it carries out the commands in them.
"""

import asyncio
import hashlib
import logging
import secrets
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

from quart_app.realtime import limits
from quart_app.realtime.batch import Batch
from quart_app.realtime.channel import Identity, Peer, Refused
from quart_app.realtime.counters import Traffic
from quart_app.realtime.deadline import Deadline
from quart_app.realtime.event import Message, message, now
from quart_app.realtime.session import (
    Command,
    End,
    Handle,
    Leave,
    Reply,
    Session,
    Subscribe,
    Unsubscribe,
)
from quart_app.realtime.subscription import Backlogged, Subscription
from quart_app.wire import Close

if TYPE_CHECKING:
    from quart_app.realtime.hub import Hub

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Opening:
    """What a client asks for: `since` a cursor, "0" for everything retained, None for from now;
    `fresh` the topics that `since` does not apply to; `connection_id` the one it had, on another
    node or before a restart; `agent` what it calls itself."""

    identity: Identity
    topics: tuple[str, ...]
    transport: str
    since: str | None = None
    fresh: frozenset[str] = frozenset()
    connection_id: str = ""
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a connection is over: the close code, a reason for people, whether it was orderly."""

    code: Close
    reason: str
    orderly: bool


def handle_of(connection_id: str) -> str:
    """What names a connection to others than its client: nobody comes from it to the id."""
    return hashlib.blake2b(connection_id.encode(), digest_size=6).hexdigest()


class Connection:
    """`id` cannot be guessed and is told to its own client only."""

    __slots__ = (
        "_expiry", "_hub", "_in_flight", "agent", "ending", "id", "identity", "opened_at", "ping", "pinged_at",
        "rtt", "session", "subscription", "transport",
    )  # fmt: skip

    def __init__(self, hub: "Hub", identity: Identity, transport: str, subscription: Subscription) -> None:
        self._hub = hub
        self.id = secrets.token_urlsafe(18)
        self.identity = identity
        self.transport = transport
        self.subscription = subscription
        self.session = Session(subscription.topics, asyncio.get_running_loop().time())
        self.opened_at = now()
        self.ending: Ending | None = None
        self.agent = ""
        self.ping: Callable[[], object] | None = None
        """Asks the peer for a sign of life, where the transport can."""
        self.pinged_at = float("-inf")
        """When it was asked last (s of perf_counter), `rtt` the s until the peer answered."""
        self.rtt: float | None = None
        self._expiry: Deadline | None = None
        self._in_flight = 0

    def __str__(self) -> str:
        user, topics = self.identity, ", ".join(self.subscription.topics)
        return f"{self.transport} {self.handle} of {user.username} ({user.user_id}) on {topics}"

    @property
    def handle(self) -> str:
        """Names this connection to others than its client."""
        return handle_of(self.id)

    @property
    def traffic(self) -> Traffic:
        """What it was sent and what came from it."""
        return Traffic(self.sent, self.subscription.outlet.bytes, self.session.received)

    @property
    def sent(self) -> int:
        """How many messages it was sent."""
        return self.subscription.outlet.messages

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics that it follows."""
        return self.subscription.topics

    @property
    def behind(self) -> bool:
        """Whether there is something that it has not read."""
        return self.subscription.behind

    @property
    def lag(self) -> int:
        """Positions between the head of the log and where it stands."""
        return self.subscription.lag

    @property
    def dropped(self) -> int:
        """How many signals it was too slow for."""
        return self.subscription.dropped

    def count(self, messages: int, size: int) -> None:
        """Note that its transport has sent so many messages, of `size` bytes together."""
        self.subscription.outlet.count(messages, size)

    def peer(self, topic: str, *, key: str | None = None, send: Callable[[Message], None] | None = None) -> Peer:
        """This connection as the channel of `topic` sees it; `send` where replies go."""
        return Peer(
            self.id,
            self.identity,
            topic,
            self.subscription.starts(topic),
            resumed=False,
            send=send or self.reply,
            key=key,
        )

    def reply(self, reply: Message) -> None:
        """Send a message to this client alone; after the end, a no-op."""
        if self.ending is not None:
            return
        try:
            self.subscription.send(reply)
        except Backlogged:
            self.end(Close.TOO_SLOW, "it does not take its replies")

    def heartbeat(self) -> None:
        beat = message("heartbeat", id=str(self.subscription.cursor))
        beat.cursor = None  # no event of the stream: an `id:` line is for those, and for where they begin
        self.reply(beat)

    def bye(self, reason: str, retry_after: int, code: Close = Close.GOING_AWAY) -> None:
        """Ask the client to come back in `retry_after` ms, and end."""
        self.reply(message("bye", data={"reason": reason, "retry_after": retry_after}))
        self.end(code, reason)

    def end(self, code: Close, reason: str, *, orderly: bool = False) -> None:
        """Nothing more comes; what was sent before can still be read. The first ending counts."""
        if self.ending is None:
            self.ending = Ending(code, reason, orderly)
            self.subscription.close()
            self._hub.ended(self)

    def end_with_token(self) -> None:
        """What a token has opened is over when the token is."""
        if self._expiry is not None:
            self._expiry.cancel()
        expires_at = self.identity.expires_at
        self._expiry = None if expires_at is None else Deadline(expires_at, self._expired)

    def _expired(self) -> None:
        said = "the token has expired; come back with a new one"
        self.reply(message("error", data=Refused("unauthorized", said, status=401).data()))
        self.end(Close.UNAUTHORIZED, said)

    def go_on(self, identity: Identity, subscription: Subscription) -> None:
        """Come back, perhaps with another token, to read from another subscription; its counts go on."""
        subscription.outlet, subscription.dropped = self.subscription.outlet, self.subscription.dropped
        self.identity, self.subscription = identity, subscription
        self.end_with_token()

    def over(self) -> Close:
        """It is closed; returns the close code."""
        if self._expiry is not None:
            self._expiry.cancel()
        code, reason = (Close.GONE, "") if self.ending is None else (self.ending.code, self.ending.reason)
        logger.info("%s closed with %d %s", self, code, reason)
        return code

    def measure(self) -> None:
        """Ask for a round trip, unless that was done just now: `rtt` tells of it in a moment."""
        if self.ping is not None and perf_counter() - self.pinged_at >= limits.PING_INTERVAL:
            self.ping()

    def heard(self) -> None:
        """The peer has answered a ping."""
        self.rtt = perf_counter() - self.pinged_at

    async def read(self) -> Batch | None:
        """The next batch for this client; None when the connection is over."""
        return await self.subscription.read()

    async def receive(self, data: str | bytes) -> None:
        """Carry out what the client sent; returns once it is under way, and its place in the order
        is fixed."""
        command = self.session.receive(data, asyncio.get_running_loop().time())
        if isinstance(command, Handle):
            await self._make_room()
            self._in_flight += 1
            self._hub.spawn(self._handled(command))
        else:
            await self.perform(command, self.reply)

    async def _handled(self, command: Handle) -> None:
        try:
            await self.perform(command, self.reply)
        finally:
            self._in_flight -= 1
            self._hub.room.set()

    async def _make_room(self) -> None:
        while self._in_flight >= limits.IN_FLIGHT_COMMANDS:
            self._hub.room.clear()
            await self._hub.room.wait()

    async def perform(self, command: Command, send: Callable[[Message], None]) -> None:
        """Carry out one command to its end; what there is to say goes to `send`."""
        match command:
            case Reply(type, fields):
                if type == "error":
                    self._hub.counters.errors[fields["data"]["code"]] += 1
                send(message(type, **fields))
            case Handle(topic, body, key):
                await self._hub.handle(self.peer(topic, key=key, send=send), body)
            case Subscribe(topic, key):
                await self._answer(self._hub.subscribe(self, topic, key, send), key, send)
            case Unsubscribe(topic, key):
                await self._answer(self._hub.unsubscribe(self, topic, key, send), key, send)
            case Leave(key):
                if key is not None:
                    send(message("ack", key=key))
                self.end(Close.NORMAL, "the client left", orderly=True)
            case End(code, refused):
                self._hub.counters.errors[refused.code] += 1
                send(message("error", data=refused.data()))
                self.end(code, refused.message)

    async def _answer(
        self,
        work: Coroutine[Any, Any, None],
        key: str | None,
        send: Callable[[Message], None],
    ) -> None:
        try:
            await work
        except Refused as refused:
            keyed = {} if key is None else {"key": key}
            self._hub.counters.errors[refused.code] += 1
            send(message("error", data=refused.data(), **keyed))
