"""What REST answers in the chat, by field and type."""

from typing import Annotated, TypedDict

from msgspec import Meta

from quart_app.domains.chat.events import Moment, Person

Count = Annotated[int, Meta(ge=0, examples=[3])]


class RoomListed(TypedDict):
    """A room, and how many messages it holds."""

    id: Annotated[int, Meta(ge=1, examples=[1])]
    name: Annotated[str, Meta(examples=["General"])]
    description: Annotated[str, Meta(examples=["Para todos"])]
    created_at: Moment
    messages: Count


class LastSeen(Person):
    """Somebody who was in a room."""

    last_seen: Moment


class Presence(TypedDict):
    """Who is in a room, and who was; nobody is in both."""

    online: list[Person]
    last_seen: list[LastSeen]


class RoomTraffic(TypedDict):
    """Who follows a room."""

    connections: Count
    users: Count


class RoomStats(TypedDict):
    """The connections that follow rooms, which are told by id."""

    total_connections: Count
    total_rooms: Count
    rooms: Annotated[dict[str, RoomTraffic], Meta(examples=[{"1": {"connections": 3, "users": 3}}])]
