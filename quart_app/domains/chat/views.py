"""REST of the chat, and the numbers of its connections: reads the request, asks the service, answers.

Every snapshot carries the cursor that was read before its data.
"""

from typing import Annotated

from msgspec import Meta
from quart import Blueprint, Response

from quart_app.domains import Program
from quart_app.domains.chat import rules
from quart_app.domains.chat.attendance import Attendance
from quart_app.domains.chat.headcount import Headcount
from quart_app.domains.chat.requests import MessagePage, NewMessage, NewRoom
from quart_app.domains.chat.service import Chat
from quart_app.domains.chat.shapes import ChatMessage, RoomListed, RoomPresence, RoomStats
from quart_app.realtime import Hub, Identity, checked, row_id
from quart_app.realtime.limits import LARGEST_ID
from quart_app.web.context import speaker
from quart_app.web.nodes import with_silent
from quart_app.web.operations import Operation
from quart_app.web.rest import idempotency_key, json_answer, json_body, query_as, success

_ROOM = (("room", Annotated[int, Meta(ge=1, le=LARGEST_ID, examples=[1])]),)


def routes(program: Program, chat: Chat, attendance: Attendance) -> Blueprint:
    """Return `/api/rooms…` and `/ws/stats`."""
    views = _Views(program.hub, chat, attendance)
    blueprint = Blueprint("chat", __name__)
    blueprint.get("/api/rooms")(views.rooms)
    blueprint.post("/api/rooms")(views.create_room)
    blueprint.get("/api/rooms/<room>/messages")(views.messages)
    blueprint.post("/api/rooms/<room>/messages")(views.post_message)
    blueprint.get("/api/rooms/<room>/presence")(views.presence)
    blueprint.get("/ws/stats")(views.stats)
    return blueprint


class _Views:
    def __init__(self, hub: Hub, chat: Chat, attendance: Attendance) -> None:
        self._hub = hub
        self._chat = chat
        self._attendance = attendance
        self._headcount = Headcount(hub)

    async def _require(self, room: str, who: Identity) -> int:
        """Return the id of a room, which `who` may follow: what is said there is the same here. Raise Refused."""
        room_id = await self._chat.require(row_id(room))
        who.check_follows(rules.topic_of(room_id))
        return room_id

    @Operation(tag="chat", answer=list[RoomListed])
    async def rooms(self) -> Response:
        """List all rooms.

        `data` is `[{id, name, description, created_at, messages}]`.
        """
        speaker()
        return success(await self._chat.rooms())

    @Operation(tag="chat", body=NewRoom, answer=RoomListed, status=201, refusals=(409,))
    async def create_room(self) -> Response:
        """Make a room of `{name, description?}`: 201, `data` the room; 409 where the name is taken."""
        who = speaker()
        new = checked(await json_body(), NewRoom)
        room = await self._chat.create_room(new.name, new.description, who, key=idempotency_key())
        return success(room, status=201)

    @Operation(
        tag="chat",
        answer=list[ChatMessage],
        query=MessagePage,
        path=_ROOM,
        beside=(("cursor", str),),
        refusals=(404,),
    )
    async def messages(self, room: str) -> Response:
        """List the last `limit` messages before the one with the id `before`.

        `data` is oldest first; `cursor` is where to follow the room from.
        """
        room_id = await self._require(room, speaker())
        asked = query_as(MessagePage)
        cursor = self._hub.cursor
        messages = await self._chat.messages(room_id, limit=asked.limit, before=asked.before)
        return success(messages, cursor=cursor)

    @Operation(tag="chat", body=NewMessage, answer=ChatMessage, status=201, path=_ROOM, refusals=(404,))
    async def post_message(self, room: str) -> Response:
        """Say `{content}` in a room: 201, `data` the message."""
        who = speaker()
        new = checked(await json_body(), NewMessage, code="invalid_content")
        room_id = await self._require(room, who)
        who.check_speaks(rules.topic_of(room_id))
        return success(await self._chat.post(room_id, who, new.content, key=idempotency_key()), status=201)

    @Operation(tag="chat", answer=RoomPresence, path=_ROOM, refusals=(404,))
    async def presence(self, room: str) -> Response:
        """Tell who is in a room and who was there.

        `data` is `{online: [{user_id, username}], last_seen: [{user_id, username, last_seen}]}`; nobody is in both.
        """
        room_id = await self._require(room, speaker())
        seen = await self._chat.last_seen(room_id)
        online = self._attendance.online(room_id)
        here = {user["user_id"] for user in online}
        away = [person for person in seen if person["user_id"] not in here]
        return success({"online": online, "last_seen": away})

    @Operation(tag="chat", answer=RoomStats, bare=True)
    async def stats(self) -> Response:
        """Count the connections that follow rooms, on all transports; a poller counts for as long as its lease.

        `total_rooms` counts the rooms that have a connection, which are the keys of `rooms`; `total_connections` counts
        a connection once, however many rooms it follows. Where there are several nodes all are counted; the header
        `X-Envivo-Silent-Nodes` names those that did not answer.
        """
        who = speaker()
        stats, survey = await self._headcount.stats()
        return with_silent(json_answer(dict(stats)), survey, who)
