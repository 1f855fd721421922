"""What clients may send to the chat, by field and type."""

from typing import Annotated

import msgspec

from quart_app.domains.chat import rules
from quart_app.realtime.limits import LARGEST_ID


class Saying(msgspec.Struct, frozen=True):
    """The message `message` of a client on a stream."""

    content: str


class Typing(msgspec.Struct, frozen=True):
    """The message `typing` of a client on a stream."""

    is_typing: bool


class ReadMark(msgspec.Struct, frozen=True):
    """The message `read` of a client on a stream."""

    message_id: int


class NewMessage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /api/rooms/{id}/messages`."""

    content: Annotated[str, msgspec.Meta(examples=["Hola"])]


class NewRoom(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /api/rooms`."""

    name: Annotated[str, msgspec.Meta(examples=["Cine"])]
    description: Annotated[str, msgspec.Meta(examples=["Qué ver el viernes"])] = ""


class MessagePage(msgspec.Struct, frozen=True):
    """The query of `GET /api/rooms/{id}/messages`."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=rules.PAGE_LIMIT)] = rules.PAGE_DEFAULT
    before: Annotated[int, msgspec.Meta(ge=1, le=LARGEST_ID, description="Only messages with an id below.")] | None = (
        None
    )
