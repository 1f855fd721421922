"""A room on the wire: who may come in, what a newcomer is told, what may be said.

Commands reach their unit of work before the first suspension, so one sender's messages keep their order.
"""

from typing import Any

from quart_app.domains.chat import rules
from quart_app.domains.chat.attendance import Attendance
from quart_app.domains.chat.requests import ReadMark, Saying, Typing
from quart_app.domains.chat.service import Chat
from quart_app.realtime import Channel, Identity, Peer, Refused, Welcome, checked


class RoomChannel(Channel):
    """The topics `rooms/{id}`."""

    def __init__(self, chat: Chat, attendance: Attendance) -> None:
        self._chat = chat
        self._attendance = attendance

    async def authorize(self, identity: Identity, topic: str) -> None:
        """Let everybody whom the program knows enter any room. Raise Refused (`room_not_found`)."""
        await self._chat.require(rules.room_of(topic))

    async def welcome(self, peer: Peer) -> Welcome:
        """Return `connected` and, unless the peer resumes, the room's last messages before the live ones."""
        # Enter before the first suspension: the connection may end during one, and `left` has to come after this.
        self._attendance.enter(peer)
        room_id = await self._chat.require(rules.room_of(peer.topic))
        users = self._attendance.online(room_id, peer.identity)
        connected = ("connected", {"data": {"room_id": room_id, "active_users": users}})
        if peer.resumed:
            return [connected]
        messages = await self._chat.messages(room_id, limit=rules.HISTORY, position=peer.position)
        return [connected, ("history", {"data": {"messages": messages}})]

    def left(self, peer: Peer, *, orderly: bool) -> None:
        """Count the peer's connection as gone from its room."""
        self._attendance.leave(peer, orderly=orderly)

    def handle_now(self, peer: Peer, body: dict[str, Any]) -> bool:
        """Tell that somebody types. Raise Refused."""
        if body.get("type") != "typing":
            return False
        self._attendance.tell_typing(peer, is_typing=checked(body, Typing).is_typing)
        return True

    async def handle(self, peer: Peer, body: dict[str, Any]) -> None:
        """Say a message, or keep how far somebody has read. Raise Refused."""
        match body.get("type"):
            case "message":
                await self._say(peer, checked(body, Saying, code="invalid_content"))
            case "read":
                await self._chat.mark_read(_room_id(peer), peer.identity, checked(body, ReadMark).message_id)
            case _:
                await super().handle(peer, body)

    async def _say(self, peer: Peer, saying: Saying) -> None:
        def answer(message: Any) -> None:
            id = message["id"]
            peer.reply("message_sent", message_id=id, data={"message_id": id, "timestamp": message["created_at"]})

        await self._chat.post(_room_id(peer), peer.identity, saying.content, key=peer.key, on_commit=answer)


def _room_id(peer: Peer) -> int:
    room_id = rules.room_of(peer.topic)
    if room_id is None:
        raise Refused("room_not_found", "there is no such room", status=404)
    return room_id
