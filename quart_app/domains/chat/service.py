"""What can be done in the chat: make rooms, say something, read on, look back.

The service loads, decides by the rules, saves, records. It answers with what the wire carries; it knows nothing of
connections.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tortoise.functions import Count

from quart_app.domains.chat import rules
from quart_app.domains.chat.events import MessagePosted, MessageRead
from quart_app.domains.chat.models import ADD_MESSAGE, SEE_MEMBER, Room, RoomMember, RoomMessage
from quart_app.domains.chat.shapes import ChatMessage
from quart_app.realtime import Identity, Refused, all_cleaned, cleaned, timestamp
from quart_app.realtime.limits import LARGEST_ID
from quart_app.storage.idempotency import IdempotencyKey
from quart_app.storage.ids import continue_after
from quart_app.storage.unit_of_work import Append, Committer, UnitOfWork
from quart_app.surroundings import now

FIRST_ROOMS = (
    ("General", "Para todos · For everyone"),
    ("Café", "De todo un poco · A bit of everything"),
)


@dataclass(frozen=True, slots=True)
class Visit:
    """The fact that somebody was in a room; `at` is ms since the Unix epoch."""

    room_id: int
    identity: Identity
    at: int


class Chat:
    """The use cases of the chat."""

    def __init__(self, committer: Committer) -> None:
        self._committer = committer
        self._known: set[int] = set()

    # Rooms

    async def make_first_rooms(self) -> None:
        """Make rooms 1 and 2 where there are no rooms yet."""

        async def unit(_work: UnitOfWork) -> None:
            if await Room.exists():
                return
            for id, (name, description) in enumerate(FIRST_ROOMS, start=1):
                await Room.create(id=id, name=name, description=description, created_at=now())
            await continue_after(Room)

        await self._committer.commit(unit)

    async def rooms(self) -> list[dict[str, Any]]:
        """Return all rooms: `{id, name, description, created_at, messages}`, where `messages` is how many it holds."""
        rows = await Room.all().annotate(messages_held=Count("messages")).order_by("id")
        return [_room_on_wire(row, row.messages_held) for row in rows]  # type: ignore[attr-defined]  # the annotation

    async def room(self, room_id: int | None) -> dict[str, Any]:
        """Return one room: `{id, name, description}`. Raise Refused (`room_not_found`, 404)."""
        row = None if room_id is None else await Room.get_or_none(id=room_id)
        if row is None:
            raise _no_room()
        return {"id": row.id, "name": row.name, "description": row.description}

    async def require(self, room_id: int | None) -> int:
        """Return the id of a room that exists. Raise Refused (`room_not_found`, 404).

        Rooms stay for ever, so a crowd that enters one looks it up once.
        """
        if room_id not in self._known:
            if room_id is None or not await Room.exists(id=room_id):
                raise _no_room()
            self._known.add(room_id)
        return room_id

    async def create_room(
        self, name: str, description: str, creator: Identity, *, key: str | None = None
    ) -> dict[str, Any]:
        """Make a room and return it as in `rooms`. With a `key` (the creator's own) it is made once.

        Raise Refused: `bad_request`, `name_taken` (409), `too_many_rooms` (409).
        """
        name, description = all_cleaned(
            name=(name, rules.clean_name), description=(description, rules.clean_description)
        )

        async def unit(_work: UnitOfWork) -> dict[str, Any]:
            if await Room.exists(name=name):
                raise Refused("name_taken", "there is a room of this name", status=409, fields={"name": "taken"})
            if await Room.all().count() >= rules.ROOMS:
                raise Refused("too_many_rooms", f"there are {rules.ROOMS:,} rooms already", status=409)
            row = await Room.create(name=name, description=description, created_at=now())
            return _room_on_wire(row, 0)

        return await self._committer.commit(unit, key=IdempotencyKey.of("rooms", creator, key, (name, description)))

    # Messages

    async def post(
        self,
        room_id: int,
        author: Identity,
        content: str,
        *,
        key: str | None = None,
        on_commit: Callable[[ChatMessage], object] | None = None,
    ) -> ChatMessage:
        """Say something in a room that exists, and return the message as it was broadcast.

        With a `key` (the author's own) it is said once, however often it is asked. `on_commit` is called with the
        message before anybody else hears of it. Raise Refused (`invalid_content`).
        """
        content = cleaned("content", content, rules.clean_content, code="invalid_content")

        topic = rules.topic_of(room_id)

        def unit(work: UnitOfWork) -> ChatMessage:
            at, position = now(), work.next_position
            posted = MessagePosted(position, author.user, content, timestamp(at)).data
            work.add(ADD_MESSAGE, position, room_id, author.user_id, author.username, content, at, position)
            work.record(topic, MessagePosted.type, posted)
            return posted

        scoped = IdempotencyKey.of(topic, author, key, content)
        return await self._committer.commit(Append(unit), key=scoped, on_commit=on_commit)

    async def messages(
        self, room_id: int, *, limit: int, before: int | None = None, position: int | None = None
    ) -> list[ChatMessage]:
        """Return the last `limit` messages of a room, oldest first.

        Only messages with an id below `before` are returned, and only those that are in the log up to `position`.
        """
        found = RoomMessage.filter(room_id=room_id)
        if before is not None:
            found = found.filter(id__lt=before)
        if position is not None:
            found = found.filter(position__lte=position)
        rows = await found.order_by("-id").limit(limit)
        return [_message_on_wire(row) for row in reversed(rows)]

    # People

    async def mark_read(self, room_id: int, reader: Identity, message_id: int) -> None:
        """Keep that `reader` has read up to a message; an earlier message changes nothing.

        Raise Refused (`message_not_found`, 404).
        """

        async def unit(work: UnitOfWork) -> None:
            if not 0 < message_id <= LARGEST_ID or not await RoomMessage.exists(id=message_id, room_id=room_id):
                raise Refused("message_not_found", f"there is no message {message_id} in this room", status=404)
            member = await RoomMember.get_or_none(room_id=room_id, user_id=reader.user_id)
            if member is None:
                member = _member(Visit(room_id, reader, now()))
            if member.last_read >= message_id:
                return
            member.username, member.last_read = reader.username, message_id
            if not reader.nameless:  # a guest has another id at the next connection
                await _save([member], "username", "last_read")
            read = MessageRead(reader.user, message_id)
            work.record(rules.topic_of(room_id), read.type, read.data, hidden_from=reader.user_id)

        await self._committer.commit(unit)

    async def receipts(self, room_id: int) -> list[dict[str, Any]]:
        """Return how far people have read, the furthest first: `{user_id, username, message_id}`."""
        rows = await RoomMember.filter(room_id=room_id, last_read__gt=0).order_by("-last_read").limit(rules.PEOPLE)
        return [{**_user(row), "message_id": row.last_read} for row in rows]

    async def last_seen(self, room_id: int) -> list[dict[str, Any]]:
        """Return who has been in a room, the latest first: `{user_id, username, last_seen}`."""
        rows = await RoomMember.filter(room_id=room_id).order_by("-last_seen").limit(rules.PEOPLE)
        return [{**_user(row), "last_seen": timestamp(row.last_seen)} for row in rows]

    async def record_visits(self, visits: Sequence[Visit]) -> None:
        """Keep when people were in rooms, unless somebody was seen there later, as may be known of another node."""

        def unit(work: UnitOfWork) -> None:
            for visit in visits:
                who = visit.identity
                work.add(SEE_MEMBER, visit.room_id, who.user_id, who.username, visit.at)

        await self._committer.commit(Append(unit))


def _member(visit: Visit) -> RoomMember:
    who = visit.identity
    return RoomMember(room_id=visit.room_id, user_id=who.user_id, username=who.username, last_seen=visit.at)


async def _save(members: Sequence[RoomMember], *fields: str) -> None:
    """Add the members that are new, and change the `fields` of the others."""
    await RoomMember.bulk_create(members, on_conflict=("room_id", "user_id"), update_fields=fields)


def _no_room() -> Refused:
    return Refused("room_not_found", "there is no such room", status=404)


def _user(row: RoomMember | RoomMessage) -> dict[str, Any]:
    return Identity(row.user_id, row.username).user


def _room_on_wire(row: Room, messages: int) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "description": row.description,
        "created_at": timestamp(row.created_at),
        "messages": messages,
    }


def _message_on_wire(row: RoomMessage) -> ChatMessage:
    posted = MessagePosted(row.id, _user(row), row.content, timestamp(row.created_at))
    return posted.data
