"""One client on one transport: its lifecycle, its subscription, what it is told.

Its transport reads batches from it; what the client sends is carried out elsewhere.
"""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from quart_app.realtime import limits
from quart_app.realtime.clients.channel import Peer
from quart_app.realtime.clients.identity import Identity
from quart_app.realtime.clients.inbound import Inbound
from quart_app.realtime.clients.timers import Deadline, Wheel
from quart_app.realtime.flow.counters import Traffic
from quart_app.realtime.flow.subscription import Backlogged, Subscription
from quart_app.realtime.messages.batch import Batch
from quart_app.realtime.messages.encoding import encode
from quart_app.realtime.messages.event import Message, message
from quart_app.realtime.messages.refused import Refused
from quart_app.surroundings import Surroundings
from quart_app.wire import Close, Control

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Opening:
    """The request of a client that wants to be let in.

    `since` is a cursor, "0" for everything retained, or None for from now on; `fresh` are the topics that `since` does
    not apply to; `connection_id` is the one it had, on another node or before a restart; `agent` is what it calls
    itself, `address` where it is, and `door` the name of the door by which it came.
    """

    identity: Identity
    topics: tuple[str, ...]
    transport: str
    since: str | None = None
    fresh: frozenset[str] = frozenset()
    connection_id: str = ""
    agent: str = ""
    door: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a connection ends: the close code, a reason for people, whether it was orderly."""

    code: Close
    reason: str
    orderly: bool


class Life(Enum):
    """The stages of a connection's life; it only ever moves down this list."""

    OPENING = "opened"
    """Its client was let in, and is not welcomed yet."""
    OPEN = "is welcomed"
    ENDING = "ends"
    """Nothing more is sent to the client but what was sent before."""
    CLOSED = "closed"


_ALIVE: Final = (Life.OPENING, Life.OPEN)


def public_id_of(connection_id: str) -> str:
    """Return the name of a connection for everybody but its client; its id cannot be found out from it."""
    return hashlib.blake2b(connection_id.encode(), digest_size=6).hexdigest()


class Connection:
    """One client that was let in. `id` cannot be guessed and is told to its own client only.

    `ping()` asks the peer for a sign of life, where the transport can; `pinged_at` is when it was asked last (s of the
    surroundings' clock), and `rtt` how many seconds the peer took to answer. `in_flight` counts its commands under way,
    and `wheel` is where its timers are.
    """

    __slots__ = (
        "_expiry", "_on_end", "_surroundings", "address", "agent", "door", "ending", "id", "identity", "in_flight",
        "inbound", "life", "lingered", "opened_at", "ping", "pinged_at", "rtt", "subscription", "transport", "wheel",
    )  # fmt: skip

    def __init__(
        self,
        opening: Opening,
        subscription: Subscription,
        surroundings: Surroundings,
        wheel: Wheel,
        on_end: Callable[["Connection"], None],
    ) -> None:
        self._on_end = on_end
        self._surroundings = surroundings
        self.wheel = wheel
        self.life = Life.OPENING
        self.id = surroundings.token(18)
        self.identity = opening.identity
        self.transport = opening.transport
        self.agent = opening.agent
        self.address = opening.address
        self.door = opening.door
        self.subscription = subscription
        self.inbound = Inbound(subscription.topics, surroundings.time())
        self.in_flight = 0
        self.opened_at = surroundings.wall()
        self.ending: Ending | None = None
        self.lingered = False
        self.ping: Callable[[], object] | None = None
        self.pinged_at = float("-inf")
        self.rtt: float | None = None
        self._expiry: Deadline | None = None

    def __str__(self) -> str:
        user, topics = self.identity, ", ".join(self.topics)
        # In quotes, lest a name passes for more than a name.
        name, id = (encode(text).decode() for text in (user.username, user.user_id))
        return f"{self.transport} {self.public_id} of {name} ({id}) on {topics}"

    def _enter(self, life: Life, why: str = "") -> None:
        """Enter the next stage of life, and log that; every change of stage passes here."""
        self.life = life
        level = logging.DEBUG if life is Life.OPEN or life is Life.ENDING else logging.INFO
        if logger.isEnabledFor(level):
            logger.log(level, "%s %s%s", self, life.value, why)

    @property
    def public_id(self) -> str:
        """The name of this connection for everybody but its client."""
        return public_id_of(self.id)

    # Traffic and place

    @property
    def traffic(self) -> Traffic:
        """The traffic of this connection so far, both ways."""
        return Traffic(self.sent, self.subscription.outlet.sent_bytes, self.inbound.received)

    @property
    def sent(self) -> int:
        """The number of messages that the client was sent."""
        return self.subscription.outlet.messages

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics that the client follows."""
        return self.subscription.topics

    @property
    def behind(self) -> bool:
        """Tell whether there is something that was not read for the client yet."""
        return self.subscription.behind

    @property
    def lag(self) -> int:
        """The number of positions between this connection's place and the head of the log."""
        return self.subscription.lag

    @property
    def dropped(self) -> int:
        """The number of signals that the client lost because it was too slow."""
        return self.subscription.dropped

    def count(self, messages: int, size: int) -> None:
        """Note that the transport has sent so many messages, of `size` bytes together."""
        self.subscription.outlet.count(messages, size)

    @property
    def waits(self) -> bool:
        """Tell whether its transport waits for something to send."""
        return self.subscription.idle

    @property
    def owes(self) -> int:
        """The number of replies that its transport has not taken yet."""
        return self.subscription.owes

    @property
    def written_at(self) -> float:
        """The time (s, the loop's clock) when its outlet was last written to."""
        return self.subscription.outlet.written_at

    # Lifecycle

    @property
    def alive(self) -> bool:
        """Tell whether nothing has ended this connection yet."""
        return self.life in _ALIVE

    def begin(self) -> None:
        """Note that the client is let in, and end this connection when the client's token expires."""
        self._enter(Life.OPENING)
        self._end_with_token()

    def open(self) -> None:
        """Note that its welcome is complete."""
        if self.life is Life.OPENING:
            self._enter(Life.OPEN)

    def end(self, code: Close, reason: str, *, orderly: bool = False, back_in: int | None = None) -> None:
        """Decide that nothing more comes; what was sent before can still be read. The first ending counts.

        With `back_in` the client is asked to come back in so many ms.
        """
        if back_in is not None:
            self.tell(Control.BYE, data={"reason": reason, "retry_after": back_in})
        if self.alive:
            self.ending = Ending(code, reason, orderly)
            self._enter(Life.ENDING, f" with {code:d} {reason}")
            self.subscription.close()
            self._on_end(self)

    def fail(self) -> None:
        """End on an error of ours, which is logged elsewhere."""
        self.end(Close.INTERNAL_ERROR, "something went wrong here")

    def peer_ended(self, code: int | None) -> None:
        """Note that the peer has ended this connection with a close code of its own, None where it is lost."""
        # Any other code of a peer means nothing here, so the peer counts as lost.
        ending = Close(code) if code in {Close.NORMAL, Close.GOING_AWAY} else Close.GONE
        self.end(ending, "the client is gone", orderly=ending is Close.NORMAL)

    def takes(self, topic: str) -> bool:
        """Return whether its client may speak about a topic by this connection."""
        return self.life is Life.OPEN and topic in self.topics

    def closed(self) -> Close:
        """Note that this connection is over; return its close code."""
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None  # it holds this connection
        code, reason = (Close.GONE, "") if self.ending is None else (self.ending.code, self.ending.reason)
        self._enter(Life.CLOSED, f" with {code:d} {reason}")
        return code

    def _end_with_token(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
        expires_at = self.identity.expires_at
        self._expiry = None
        if expires_at is not None:
            self._expiry = Deadline(self.wheel, expires_at, self._expired, self._surroundings.wall)

    def _expired(self) -> None:
        self.refuse("the token has expired; come back with a new one")

    def refuse(self, said: str) -> None:
        """End because the client's token is good no more, and tell it so in the words `said`."""
        self.tell(Control.ERROR, data=Refused("unauthorized", said, status=401).data())
        self.end(Close.UNAUTHORIZED, said)

    def go_on(self, identity: Identity, subscription: Subscription) -> None:
        """Go on with another subscription and perhaps another token, because the client came back; the counts are
        kept."""
        subscription.outlet, subscription.dropped = self.subscription.outlet, self.subscription.dropped
        self.identity, self.subscription = identity, subscription
        self._end_with_token()

    # Messages to the client

    def _message(self, type: str, **fields: Any) -> Message:
        return message(type, at=self._surroundings.wall(), **fields)

    def peer(self, topic: str, *, key: str | None = None, send: Callable[[Message], None] | None = None) -> Peer:
        """Return this connection as the channel of `topic` sees it; replies go to `send`, without it to the client."""
        return Peer(
            self.id,
            self.identity,
            topic,
            self.subscription.starts(topic),
            resumed=False,
            send=send or self.reply,
            key=key,
            wall=self._surroundings.wall,
            lingered=self.lingered,
        )

    def reply(self, reply: Message) -> None:
        """Send a message to this client alone; after the end, do nothing."""
        if not self.alive:
            return
        try:
            self.subscription.send(reply)
        except Backlogged:
            self.end(Close.TOO_SLOW, "it does not take its replies")

    def tell(self, type: str, **fields: Any) -> None:
        """Send a message of `type` with top-level `fields` to this client alone, as `reply` does."""
        self.reply(self._message(type, **fields))

    def heartbeat(self) -> None:
        """Tell the client that nothing has happened up to the cursor that it is given."""
        beat = self._message(Control.HEARTBEAT, id=str(self.subscription.cursor))
        beat.cursor = None  # no event of the stream: an `id:` line is for those, and for where they begin
        self.reply(beat)

    def measure(self) -> None:
        """Start measuring a round trip, unless that was done just now; `rtt` has the result a moment later."""
        if self.ping is not None and self._surroundings.time() - self.pinged_at >= limits.PING_INTERVAL:
            self.ping()

    def pinged(self) -> None:
        """Note that the peer was asked for a sign of life now."""
        self.pinged_at = self._surroundings.time()

    def ponged(self) -> None:
        """Note that the peer has given the sign of life."""
        self.rtt = self._surroundings.time() - self.pinged_at

    async def read(self) -> Batch | None:
        """Return the next batch for this client; None when the connection has ended."""
        return await self.subscription.read()

    async def collect(self, wait: float) -> tuple[list[Message], str]:
        """Return the messages that a long poll is answered with, and the cursor after them.

        These are the messages that there are now, about a batch of them; where there are none, those that come first
        within `wait` seconds. Meanwhile the connection may go on with another subscription, for the next request.
        """
        subscription = self.subscription
        messages = await subscription.collect(wait)
        return messages, str(subscription.full_cursor)

    def take_back(self) -> list[Message]:
        """Return the replies that its transport has not taken yet; they are not sent any more."""
        return self.subscription.take_back()
