"""The pages of the chat: the list of rooms, and one room.

Every page carries the cursor that was read before its data, and goes live from there.
"""

from quart import Blueprint, render_template, request

from quart_app.domains import Program
from quart_app.domains.chat import rules
from quart_app.domains.chat.service import Chat
from quart_app.identity import USER_COOKIE
from quart_app.realtime import Hub, row_id
from quart_app.web.context import speaker, this_door


def pages(program: Program, chat: Chat) -> Blueprint:
    """Return `/chat` and `/chat/<room>`."""
    shown = _Pages(program.hub, chat)
    blueprint = Blueprint("chat_pages", __name__, template_folder="templates")
    blueprint.get("/chat")(shown.rooms)
    blueprint.get("/chat/<room>")(shown.room)
    return blueprint


class _Pages:
    def __init__(self, hub: Hub, chat: Chat) -> None:
        self._hub = hub
        self._chat = chat

    async def rooms(self) -> str:
        """Show the list of rooms."""
        speaker()
        return await render_template("chat/rooms.html", rooms=await self._chat.rooms())

    async def room(self, room: str) -> str:
        """Show one room with its last messages; the page goes live from `cursor`."""
        visitor = speaker()
        room_id = await self._chat.require(row_id(room))
        visitor.check_follows(rules.topic_of(room_id))
        cursor = self._hub.cursor
        return await render_template(
            "chat/room.html",
            room=await self._chat.room(room_id),
            messages=await self._chat.messages(room_id, limit=rules.HISTORY),
            receipts=await self._chat.receipts(room_id),
            cursor=cursor,
            me=visitor.user if _is_named() else None,
        )


def _is_named() -> bool:
    """Tell whether the visitor has a name of their own; a guest gets another one at every request."""
    if this_door().secure:
        return True
    named = request.args.get("user_id", "") + request.args.get("username", "")
    return bool(named.strip() or request.cookies.get(USER_COOKIE, "").strip())
