"""What the chat answers and tells, by field and type: people, messages, rooms, who is there.

Times are ISO 8601 as the wire writes them. This file knows neither tables nor sockets.
"""

from typing import Annotated, TypedDict

from msgspec import Meta

from quart_app.domains.chat import rules

UserId = Annotated[int | str, Meta(description="A number where it is all digits.", examples=[1])]
Username = Annotated[str, Meta(examples=["Juan"])]
MessageId = Annotated[int, Meta(ge=1, examples=[7])]
Content = Annotated[str, Meta(min_length=1, max_length=rules.CONTENT_CHARACTERS, examples=["Hola"])]
Moment = Annotated[str, Meta(description="ISO 8601, UTC", examples=["2025-01-31T12:00:00.000Z"])]
Count = Annotated[int, Meta(ge=0, examples=[3])]


class Person(TypedDict):
    """A user of the chat."""

    user_id: UserId
    username: Username


class ChatMessage(Person):
    """A message as it was said."""

    id: MessageId
    content: Content
    created_at: Moment


class ReadReceipt(Person):
    """The fact that somebody has read everything up to a message."""

    message_id: MessageId


class TypingState(Person):
    """The fact that somebody types, or has stopped to."""

    is_typing: bool


class RoomWelcome(TypedDict):
    """The room that one has entered, and who else is there."""

    room_id: Annotated[int, Meta(examples=[1])]
    active_users: list[Person]


class History(TypedDict):
    """The last messages of a room, oldest first."""

    messages: list[ChatMessage]


class Sent(TypedDict):
    """The acknowledgement of one's own message."""

    message_id: MessageId
    timestamp: Moment


class RoomListed(TypedDict):
    """A room, and how many messages it holds."""

    id: Annotated[int, Meta(ge=1, examples=[1])]
    name: Annotated[str, Meta(examples=["General"])]
    description: Annotated[str, Meta(examples=["Para todos"])]
    created_at: Moment
    messages: Count


class LastSeen(Person):
    """Somebody who was in a room, and when."""

    last_seen: Moment


class RoomPresence(TypedDict):
    """The people who are in a room, and those who were; nobody is in both."""

    online: list[Person]
    last_seen: list[LastSeen]


class RoomTraffic(TypedDict):
    """How many connections and users follow a room."""

    connections: Count
    users: Count


class RoomStats(TypedDict):
    """How many connections follow rooms, in all and by the room's id."""

    total_connections: Count
    total_rooms: Count
    rooms: Annotated[dict[str, RoomTraffic], Meta(examples=[{"1": {"connections": 3, "users": 3}}])]
