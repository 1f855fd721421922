"""What happens in a room, and how it looks on the wire.

`MessagePosted` and `MessageRead` are facts that are kept; the others are signals of the moment. Times are ISO 8601 as
the wire writes them. This file knows neither tables nor sockets.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from quart_app.domains.chat.shapes import (
    ChatMessage,
    Content,
    History,
    MessageId,
    Person,
    ReadReceipt,
    RoomWelcome,
    Sent,
    TypingState,
)
from quart_app.realtime import Kind, MessageShape, TopicShape

User = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class MessagePosted:
    """The event that somebody said something; it is kept."""

    type: ClassVar[str] = "message"

    id: int
    user: User
    content: str
    created_at: str

    @property
    def data(self) -> ChatMessage:
        return {**_person(self.user), "id": self.id, "content": self.content, "created_at": self.created_at}


@dataclass(frozen=True, slots=True)
class MessageRead:
    """The event that `user` has read everything up to a message; it is kept."""

    type: ClassVar[str] = "read"

    user: User
    message_id: int

    @property
    def data(self) -> ReadReceipt:
        return {**_person(self.user), "message_id": self.message_id}


@dataclass(frozen=True, slots=True)
class UserJoined:
    """The signal that somebody came into a room."""

    type: ClassVar[str] = "user_joined"

    user: User

    @property
    def data(self) -> Person:
        return _person(self.user)


@dataclass(frozen=True, slots=True)
class UserLeft:
    """The signal that somebody is gone from a room."""

    type: ClassVar[str] = "user_left"

    user: User

    @property
    def data(self) -> Person:
        return _person(self.user)


@dataclass(frozen=True, slots=True)
class TypingChanged:
    """The signal that somebody types, or has stopped to."""

    type: ClassVar[str] = "typing"

    user: User
    is_typing: bool

    @property
    def data(self) -> TypingState:
        return {**_person(self.user), "is_typing": self.is_typing}


def _person(user: User) -> Person:
    return {"user_id": user["user_id"], "username": user["username"]}


TOPICS = (
    TopicShape(
        "rooms/{room_id}",
        "A room of the chat. Whoever follows it is present in it.",
        Kind.DURABLE,
        sends=(
            MessageShape("connected", "The welcome: the room, and who is there.", RoomWelcome),
            MessageShape("history", "The last messages, for a newcomer who comes without `since`.", History),
            MessageShape("message_sent", "Your message is kept.", Sent, {"message_id": MessageId}),
            MessageShape(MessagePosted.type, "Somebody said something; durable.", ChatMessage),
            MessageShape(MessageRead.type, "Somebody else has read up to a message; durable.", ReadReceipt),
            MessageShape(TypingChanged.type, "Somebody else types, or has stopped to; a signal.", TypingState),
            MessageShape(UserJoined.type, "Somebody else came in; a signal.", Person),
            MessageShape(UserLeft.type, "Somebody else is gone; a signal.", Person),
        ),
        receives=(
            MessageShape("message", "Say something; answered with `message_sent`.", fields={"content": Content}),
            MessageShape("typing", "Tell the others that you type, or have stopped to.", fields={"is_typing": bool}),
            MessageShape("read", "You have read up to a message.", fields={"message_id": MessageId}),
        ),
    ),
)
