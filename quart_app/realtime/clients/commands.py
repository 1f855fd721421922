"""The one way in: what a client says, on whichever transport, is carried out here."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from quart_app.realtime import limits
from quart_app.realtime.clients.channel import Channel, Peer
from quart_app.realtime.clients.channels import Channels
from quart_app.realtime.clients.connection import Connection, Life
from quart_app.realtime.clients.identity import Identity
from quart_app.realtime.clients.inbound import (
    Command,
    End,
    ForChannel,
    Inbound,
    Leave,
    Malformed,
    Reply,
    Subscribe,
    Unsubscribe,
)
from quart_app.realtime.clients.quotas import Quotas
from quart_app.realtime.flow.counters import Counters
from quart_app.realtime.messages.event import Message, message
from quart_app.realtime.messages.refused import Refused
from quart_app.surroundings import Surroundings
from quart_app.wire import Close, Control

logger = logging.getLogger(__name__)

Say = Callable[[Message], None]
_Rest = Coroutine[Any, Any, None]
"""What has to be awaited of a command."""
_FAILED = "handling a message on %s failed"
_INTERNAL = Refused("internal", "something went wrong here")


class Passerby:
    """A client that speaks without a connection known here: it is on another node, or was lost with a restart."""

    id = ""

    def __init__(self, identity: Identity, topic: str, position: int, surroundings: Surroundings) -> None:
        self.identity = identity
        self._position = position
        self._wall = surroundings.wall
        self.inbound = Inbound((topic,), surroundings.time())

    def peer(self, topic: str, *, key: str | None, send: Say) -> Peer:
        """Return this client as the channel of `topic` sees it."""
        return Peer(self.id, self.identity, topic, self._position, resumed=True, send=send, key=key, wall=self._wall)

    def end(self, code: Close, reason: str, *, orderly: bool = False) -> None:
        """Do nothing: there is no connection to end."""


class Commands:
    """The performer of clients' commands.

    `spawn(work, over)` runs `work` to its end, whoever leaves meanwhile, and then calls `over`. `seed(topics)` lets the
    bus know what it does not know of them yet. `witness` is told of each refusal: what was asked for, by whom on which
    connection (its id), about which topic, and why not.
    """

    def __init__(
        self,
        channels: Channels,
        quotas: Quotas,
        counters: Counters,
        surroundings: Surroundings,
        spawn: Callable[[_Rest, Callable[[], None]], None],
        seed: Callable[[tuple[str]], Awaitable[None]],
    ) -> None:
        self._channels = channels
        self._quotas = quotas
        self._counters = counters
        self._surroundings = surroundings
        self._spawn = spawn
        self._seed = seed
        self._room = asyncio.Event()
        self.witness: Callable[[str, Identity, str, str, Refused], object] = lambda *_: None

    def receive(self, connection: Connection, data: str | bytes) -> Awaitable[None] | None:
        """Carry out what the client of a connection sent; the connection gets the answers.

        The next message may be handed in as soon as this returns or, where there is something to be awaited, after
        that.
        """
        command = self.admit(connection, data)
        if command is None:
            return None
        if not isinstance(command, ForChannel):
            return self._begin(connection, command, connection.reply)
        if not connection.in_flight:
            rest = self._begin(connection, command, connection.reply)
            if rest is not None:
                self._go_on_in_flight(connection, rest)
            return None
        # Those before it may not have begun yet, so it begins behind them.
        if connection.in_flight < limits.IN_FLIGHT_COMMANDS:
            self._go_on_in_flight(connection, self.perform(connection, command, connection.reply))
            return None
        return self._perform_where_room(connection, command)

    def admit(self, connection: Connection, data: str | bytes) -> Command | None:
        """Return the command in what a client sent; None where it breaks the rules, which ends the connection, or where
        the connection is not open."""
        if connection.life is not Life.OPEN:
            return None
        command = connection.inbound.take(data, self._surroundings.time())
        if isinstance(command, End):
            self._begin(connection, command, connection.reply)
            return None
        return command

    def count_frame(self, connection: Connection) -> bool:
        """Count a frame that is no message; return whether the connection goes on. One too many ends it, as a message
        does."""
        if connection.alive and (end := connection.inbound.count(self._surroundings.time())) is not None:
            self._begin(connection, end, connection.reply)
        return connection.alive

    async def answer(self, speaker: Connection | Passerby, data: bytes, topic: str) -> list[Message]:
        """Carry out what a client sent about `topic` by a request of its own; return the answers.

        Raise Refused where that is no message, or too large, or one too many.
        """
        answers: list[Message] = []
        command = speaker.inbound.take(data, self._surroundings.time(), topic=topic)
        if isinstance(command, End | Malformed):
            raise command.refused
        await self.perform(speaker, command, answers.append)
        return answers

    async def _perform_where_room(self, connection: Connection, command: ForChannel) -> None:
        while connection.in_flight >= limits.IN_FLIGHT_COMMANDS:
            self._room.clear()
            await self._room.wait()
        self._go_on_in_flight(connection, self.perform(connection, command, connection.reply))

    def _go_on_in_flight(self, connection: Connection, rest: _Rest) -> None:
        connection.in_flight += 1
        self._spawn(rest, lambda: self._over(connection))

    def _over(self, connection: Connection) -> None:
        connection.in_flight -= 1
        self._room.set()

    async def perform(self, speaker: Connection | Passerby, command: Command, send: Say) -> None:
        """Carry out one command to its end; what there is to say goes to `send`."""
        rest = self._begin(speaker, command, send)
        if rest is not None:
            await rest

    def _begin(self, speaker: Connection | Passerby, command: Command, send: Say) -> _Rest | None:
        """Carry out as much of a command as needs no waiting; return the rest, None where there is none."""
        match command:
            case ForChannel(topic, body, key):
                return self._handle(speaker.peer(topic, key=key, send=send), body)
            case Reply(type, fields):
                if type == Control.ERROR:
                    self._counters.errors[fields["data"]["code"]] += 1
                send(self._message(type, **fields))
            case Subscribe(topic, key):
                return self._subscribe(speaker, topic, key, send)
            case Unsubscribe(topic, key):
                self._unsubscribe(speaker, topic, key, send)
            case Leave(key):
                if key is not None:
                    send(self._message(Control.ACK, key=key))
                speaker.end(Close.NORMAL, "the client left", orderly=True)
            case Malformed(refused):
                self._tell(refused, None, send)
            case End(code, refused):
                self.witness("message", speaker.identity, speaker.id, "", refused)
                self._tell(refused, None, send)
                speaker.end(code, refused.message)
        return None

    def _message(self, type: str, **fields: Any) -> Message:
        return message(type, at=self._surroundings.wall(), **fields)

    def _tell(self, refused: Refused, key: str | None, send: Say) -> None:
        keyed = {} if key is None else {"key": key}
        self._counters.errors[refused.code] += 1
        send(self._message(Control.ERROR, data=refused.data(), **keyed))

    async def _subscribe(self, speaker: Connection | Passerby, topic: str, key: str | None, send: Say) -> None:
        """Add a topic to a connection and welcome it there, or tell why not."""
        try:
            connection = _connected(speaker)
            channel = await self._channels.authorize(connection.identity, topic)
            await self._seed((topic,))
            # This is checked after the suspensions above, in which the connection may have ended or subscribed; up
            # to the change of the subscription there is no other.
            if connection.life is not Life.OPEN:
                raise Refused("not_connected", "the connection has ended", status=409)
            if topic in connection.topics:
                raise Refused("already_subscribed", f"already subscribed to {topic}", status=409)
            if len(connection.topics) >= limits.TOPICS_PER_CONNECTION:
                raise Refused("too_many", f"at most {limits.TOPICS_PER_CONNECTION} topics")
            await self._welcome(connection, channel, topic, key, send)
        except Refused as refused:
            self.witness("subscribe", speaker.identity, speaker.id, topic, refused)
            self._tell(refused, key, send)

    async def _welcome(self, connection: Connection, channel: Channel, topic: str, key: str | None, send: Say) -> None:
        payer = connection.identity.payer
        self._quotas.follow(payer, topic, self._surroundings.time())
        with connection.subscription.held():
            try:
                connection.subscription.add(topic)
            finally:
                if topic not in connection.topics:  # there was no room for it, or nobody reads for the client now
                    self._quotas.unfollow(payer, (topic,))
            connection.inbound.topics = connection.topics
            peer = connection.peer(topic, key=key, send=send)
            id: str | None = str(connection.subscription.cursor_of(topic))
            for type, fields in await channel.welcome(peer):
                peer.reply(type, id=id, **fields)
                id = None

    def _unsubscribe(self, speaker: Connection | Passerby, topic: str, key: str | None, send: Say) -> None:
        """Take a topic from a connection, or tell why not."""
        try:
            connection = _connected(speaker)
            if topic not in connection.topics:
                raise Refused("not_subscribed", f"not subscribed to {topic}", status=409)
            if len(connection.topics) == 1:
                raise Refused("last_topic", "a connection needs a topic: close it instead", status=409)
        except Refused as refused:
            self._tell(refused, key, send)
            return
        connection.subscription.remove(topic)
        if topic not in connection.topics:
            self._quotas.unfollow(connection.identity.payer, (topic,))
        connection.inbound.topics = connection.topics
        self._channels.leave(connection.peer(topic), orderly=True)
        connection.peer(topic, key=key, send=send).reply(Control.UNSUBSCRIBED)

    def _handle(self, peer: Peer, body: dict[str, Any]) -> _Rest | None:
        """Let the topic's channel act on a message; whatever happens, the peer gets an answer."""
        began = self._surroundings.time()
        try:
            channel = self._channels.of(peer.topic)
            peer.identity.check_speaks(peer.topic)
            if not channel.handle_now(peer, body):
                return self._wait_for(channel, peer, body, began)
        except Refused as refused:
            self._refuse(peer, refused)
        except Exception:
            logger.exception(_FAILED, peer.topic)
            self._refuse(peer, _INTERNAL)
        self._handled(peer, began)
        return None

    async def _wait_for(self, channel: Channel, peer: Peer, body: dict[str, Any], began: float) -> None:
        try:
            await channel.handle(peer, body)
        except Refused as refused:
            self._refuse(peer, refused)
        except Exception:
            logger.exception(_FAILED, peer.topic)
            self._refuse(peer, _INTERNAL)
        self._handled(peer, began)

    def _refuse(self, peer: Peer, refused: Refused) -> None:
        self._counters.errors[refused.code] += 1
        self.witness("message", peer.identity, peer.connection_id, peer.topic, refused)
        peer.reply(Control.ERROR, data=refused.data())

    def _handled(self, peer: Peer, began: float) -> None:
        self._counters.commands.observe(self._surroundings.time() - began)
        if peer.key is not None and not peer.replied:
            peer.reply(Control.ACK)


def _connected(speaker: Connection | Passerby) -> Connection:
    if isinstance(speaker, Passerby):
        raise Refused("not_connected", "no stream of yours is known here: open one with the topics you want")
    return speaker
