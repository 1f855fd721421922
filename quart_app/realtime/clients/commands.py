"""The one way in: what a client says, on whichever transport, is carried out here."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from quart_app.realtime import limits
from quart_app.realtime.clients.channel import Peer
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
from quart_app.realtime.flow.counters import Counters
from quart_app.realtime.messages.event import Message, message
from quart_app.realtime.messages.refused import Refused
from quart_app.surroundings import Surroundings
from quart_app.wire import Close, Control

logger = logging.getLogger(__name__)

Say = Callable[[Message], None]


class Passerby:
    """A client that speaks without a connection known here: it is on another node, or was lost with a restart."""

    def __init__(self, identity: Identity, topic: str, position: int, surroundings: Surroundings) -> None:
        self._identity = identity
        self._position = position
        self._wall = surroundings.wall
        self.inbound = Inbound((topic,), surroundings.time())

    def peer(self, topic: str, *, key: str | None, send: Say) -> Peer:
        """Return this client as the channel of `topic` sees it."""
        return Peer("", self._identity, topic, self._position, resumed=True, send=send, key=key, wall=self._wall)

    def end(self, code: Close, reason: str, *, orderly: bool = False) -> None:
        """Do nothing: there is no connection to end."""


class Commands:
    """The performer of clients' commands. `spawn` runs a coroutine to its end, whoever leaves meanwhile."""

    def __init__(
        self,
        channels: Channels,
        counters: Counters,
        surroundings: Surroundings,
        spawn: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self._channels = channels
        self._counters = counters
        self._surroundings = surroundings
        self._spawn = spawn
        self._room = asyncio.Event()

    async def receive(self, connection: Connection, data: str | bytes) -> None:
        """Carry out what the client of a connection sent; the connection gets the answers.

        Return once it is under way, and its place in the order is fixed.
        """
        command = await self.admit(connection, data)
        if isinstance(command, ForChannel):
            await self._make_room(connection)
            connection.in_flight += 1
            self._spawn(self._perform_in_flight(connection, command))
        elif command is not None:
            await self.perform(connection, command, connection.reply)

    async def admit(self, connection: Connection, data: str | bytes) -> Command | None:
        """Return the command in what a client sent; None where it breaks the rules, which ends the connection, or where
        the connection is not open."""
        if connection.life is not Life.OPEN:
            return None
        command = connection.inbound.take(data, self._surroundings.time())
        if isinstance(command, End):
            await self.perform(connection, command, connection.reply)
            return None
        return command

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

    async def _perform_in_flight(self, connection: Connection, command: ForChannel) -> None:
        try:
            await self.perform(connection, command, connection.reply)
        finally:
            connection.in_flight -= 1
            self._room.set()

    async def _make_room(self, connection: Connection) -> None:
        while connection.in_flight >= limits.IN_FLIGHT_COMMANDS:
            self._room.clear()
            await self._room.wait()

    async def perform(self, speaker: Connection | Passerby, command: Command, send: Say) -> None:
        """Carry out one command to its end; what there is to say goes to `send`."""
        match command:
            case Reply(type, fields):
                if type == Control.ERROR:
                    self._counters.errors[fields["data"]["code"]] += 1
                send(self._message(type, **fields))
            case ForChannel(topic, body, key):
                await self._handle(speaker.peer(topic, key=key, send=send), body)
            case Subscribe(topic, key):
                await self._answer(self._subscribe(speaker, topic, key, send), key, send)
            case Unsubscribe(topic, key):
                await self._answer(self._unsubscribe(speaker, topic, key, send), key, send)
            case Leave(key):
                if key is not None:
                    send(self._message(Control.ACK, key=key))
                speaker.end(Close.NORMAL, "the client left", orderly=True)
            case Malformed(refused):
                self._tell(refused, None, send)
            case End(code, refused):
                self._tell(refused, None, send)
                speaker.end(code, refused.message)

    def _message(self, type: str, **fields: Any) -> Message:
        return message(type, at=self._surroundings.wall(), **fields)

    def _tell(self, refused: Refused, key: str | None, send: Say) -> None:
        keyed = {} if key is None else {"key": key}
        self._counters.errors[refused.code] += 1
        send(self._message(Control.ERROR, data=refused.data(), **keyed))

    async def _answer(self, work: Coroutine[Any, Any, None], key: str | None, send: Say) -> None:
        try:
            await work
        except Refused as refused:
            self._tell(refused, key, send)

    async def _subscribe(self, speaker: Connection | Passerby, topic: str, key: str | None, send: Say) -> None:
        """Add a topic to a connection and welcome it there. Raise Refused."""
        connection = _connected(speaker)
        channel = self._channels.of(topic)
        await channel.authorize(connection.identity, topic)
        # This is checked after the suspension above, in which the connection may have ended or subscribed; up to the
        # change of the subscription there is no other.
        if connection.life is not Life.OPEN:
            raise Refused("not_connected", "the connection has ended", status=409)
        if topic in connection.topics:
            raise Refused("already_subscribed", f"already subscribed to {topic}", status=409)
        if len(connection.topics) >= limits.TOPICS_PER_CONNECTION:
            raise Refused("too_many", f"at most {limits.TOPICS_PER_CONNECTION} topics")
        with connection.subscription.held():
            connection.subscription.add(topic)
            connection.inbound.topics = connection.topics
            peer = connection.peer(topic, key=key, send=send)
            id: str | None = str(connection.subscription.cursor_of(topic))
            for type, fields in await channel.welcome(peer):
                peer.reply(type, id=id, **fields)
                id = None

    async def _unsubscribe(self, speaker: Connection | Passerby, topic: str, key: str | None, send: Say) -> None:
        """Take a topic from a connection. Raise Refused."""
        connection = _connected(speaker)
        if topic not in connection.topics:
            raise Refused("not_subscribed", f"not subscribed to {topic}", status=409)
        if len(connection.topics) == 1:
            raise Refused("last_topic", "a connection needs a topic: close it instead", status=409)
        connection.subscription.remove(topic)
        connection.inbound.topics = connection.topics
        self._channels.leave(connection.peer(topic), orderly=True)
        connection.peer(topic, key=key, send=send).reply(Control.UNSUBSCRIBED)

    async def _handle(self, peer: Peer, body: dict[str, Any]) -> None:
        """Let the topic's channel act on a message; whatever happens, the peer gets an answer."""
        began = self._surroundings.time()
        try:
            await self._channels.of(peer.topic).handle(peer, body)
        except Refused as refused:
            self._counters.errors[refused.code] += 1
            peer.reply(Control.ERROR, data=refused.data())
        except Exception:
            logger.exception("handling a message on %s failed", peer.topic)
            self._counters.errors["internal"] += 1
            peer.reply(Control.ERROR, data={"message": "something went wrong here", "code": "internal"})
        self._counters.commands.observe(self._surroundings.time() - began)
        if peer.key is not None and not peer.replied:
            peer.reply(Control.ACK)


def _connected(speaker: Connection | Passerby) -> Connection:
    if isinstance(speaker, Passerby):
        raise Refused("not_connected", "no stream of yours is known here: open one with the topics you want")
    return speaker
