"""The attendance of the chat: who is in which room now, and when people were last there.

Presence is the engine's, and that of all nodes. A change of presence is told to the room as a signal. Visits are
written in the background: they wait for each other, and no client waits for them.
"""

import logging
from itertools import islice
from typing import Any

from quart_app.domains.chat import rules
from quart_app.domains.chat.events import TypingChanged, UserJoined, UserLeft
from quart_app.domains.chat.service import Chat, Visit
from quart_app.realtime import Event, Hub, Identity, Peer, Presence, Refused
from quart_app.storage.errors import StorageError
from quart_app.surroundings import now

logger = logging.getLogger(__name__)

_VISITS_PER_UNIT = 500


class Attendance:
    """Who is in the rooms of the chat."""

    def __init__(self, hub: Hub, chat: Chat) -> None:
        self._hub = hub
        self._chat = chat
        self._presence = Presence(hub.backplane, self._signals, hub.surroundings.wall)
        self._unwritten: dict[tuple[int, str], Visit] = {}
        self._writing = False

    def enter(self, peer: Peer) -> None:
        """Count the peer's connection as in its room."""
        self._presence.enter(peer.topic, peer.identity, peer.connection_id)
        self._note(peer)

    def leave(self, peer: Peer, *, orderly: bool) -> None:
        """Count the peer's connection as gone; its user lingers unless `orderly`."""
        self._presence.leave(peer.topic, peer.identity, peer.connection_id, orderly=orderly, lingered=peer.lingered)
        self._note(peer)

    def online(self, room_id: int, newcomer: Identity | None = None) -> list[dict[str, Any]]:
        """Return the `{user_id, username}` of all who are in the room, in order of arrival, and of a `newcomer`."""
        return self._presence.present(rules.topic_of(room_id), newcomer)

    def tell_typing(self, peer: Peer, *, is_typing: bool) -> None:
        """Tell the others in the peer's room that its user types, or has stopped to."""
        typing = TypingChanged(peer.identity.user, is_typing)
        self._hub.broadcast(peer.topic, typing.type, data=typing.data, hidden_from=peer.identity.user_id)

    def _signals(self, topic: str, identity: Identity) -> tuple[Event, Event]:
        joined, left = UserJoined(identity.user), UserLeft(identity.user)
        return (
            self._hub.transient(topic, joined.type, data=joined.data, hidden_from=identity.user_id),
            self._hub.transient(topic, left.type, data=left.data, hidden_from=identity.user_id),
        )

    def _note(self, peer: Peer) -> None:
        room_id = rules.room_of(peer.topic)
        if room_id is None or peer.identity.nameless:
            return  # the topic names no room, or a guest is here, who never comes again under this id
        self._unwritten[room_id, peer.identity.user_id] = Visit(room_id, peer.identity, now())
        if not self._writing:
            self._writing = True
            self._hub.spawn(self._write())

    async def _write(self) -> None:
        try:
            while self._unwritten:
                keys = list(islice(self._unwritten, _VISITS_PER_UNIT))
                await self._chat.record_visits([self._unwritten.pop(key) for key in keys])
        except (StorageError, Refused) as error:
            logger.warning("when people were last seen could not be kept: %s", error)
        finally:
            self._writing = False
