"""The tables of the chat: rooms, what was said in them, and who has been there.

Times are ms since the Unix epoch. Ids are assigned by the one writer, in the order of the commits; "generated" only
makes them SQLite's own row numbers, so that the tables are ordered by id without a second index.
"""

from typing import Final

from tortoise.fields import BigIntField, CharField, ForeignKeyField, ForeignKeyRelation, OnDelete, TextField
from tortoise.indexes import Index
from tortoise.models import Model

from quart_app.domains.chat.rules import DESCRIPTION_CHARACTERS, NAME_CHARACTERS


class Room(Model):
    """A room of the chat."""

    id = BigIntField(primary_key=True, generated=True)
    name = CharField(max_length=NAME_CHARACTERS, unique=True)
    description = CharField(max_length=DESCRIPTION_CHARACTERS, default="")
    created_at = BigIntField()

    class Meta:
        table = "chat_rooms"


ADD_MESSAGE: Final = (
    "INSERT INTO chat_messages (id, room_id, user_id, username, content, created_at, position)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)"
)


class RoomMessage(Model):
    """A message that was said in a room.

    `position` is that of its event in the log, which may be trimmed while the message stays. New messages have it as
    their `id`, too; messages of an older version have smaller ids.
    """

    id = BigIntField(primary_key=True, generated=True)
    room: ForeignKeyRelation[Room] = ForeignKeyField(
        "envivo.Room", related_name="messages", on_delete=OnDelete.RESTRICT
    )
    room_id: int
    user_id = TextField()
    username = TextField()
    content = TextField()
    created_at = BigIntField()
    position = BigIntField()

    class Meta:
        table = "chat_messages"
        indexes = (Index(fields=("room_id", "id"), name="chat_messages_room"),)


SEE_MEMBER: Final = (
    "INSERT INTO chat_members (room_id, user_id, username, last_seen, last_read) VALUES (?, ?, ?, ?, 0)"
    " ON CONFLICT (room_id, user_id) DO UPDATE SET username = excluded.username, last_seen = excluded.last_seen"
    " WHERE chat_members.last_seen <= excluded.last_seen"
)


class RoomMember(Model):
    """Somebody who has been in a room; `last_read` is a message's id, 0 when none was read."""

    id = BigIntField(primary_key=True, generated=True)
    room: ForeignKeyRelation[Room] = ForeignKeyField("envivo.Room", related_name="members", on_delete=OnDelete.RESTRICT)
    room_id: int
    user_id = TextField()
    username = TextField()
    last_seen = BigIntField()
    last_read = BigIntField(default=0)

    class Meta:
        table = "chat_members"
        unique_together = (("room_id", "user_id"),)
