"""What the messages of a topic look like: for documents and for the tests that hold the server to them.

The engine itself never reads it. Shapes are msgspec Structs, TypedDicts or plain types; their docstrings and `Meta`
(description, examples) go into the document.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from quart_app.realtime import limits
from quart_app.realtime.messages.kinds import Kind
from quart_app.wire import Control


@dataclass(frozen=True, slots=True)
class MessageShape:
    """A message by its `type`, with the shape of its `data` (None where it has none), of other top-level `fields`, and
    of those that it may have (`optional`).

    `{places}` in a `type` stand for any text. `welcome` tells that a connection starts with it, as it does with
    `connected` in any case.
    """

    type: str
    summary: str
    data: Any = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    welcome: bool = False
    optional: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TopicShape:
    """The topics that `name` stands for, with `{places}` in it, and the messages that go to their clients and come
    back.

    The messages that every topic has (`heartbeat`, `reset`, `error`, …) are not among them; `connected` is, where the
    welcome of these topics has fields of its own.
    """

    name: str
    summary: str
    kind: Kind
    sends: tuple[MessageShape, ...]
    receives: tuple[MessageShape, ...] = ()


# The messages that every topic has, whatever it is about.

CursorText = Annotated[
    str, Meta(pattern=r"^[a-z0-9]+-[0-9]+", description="A cursor: give it back as `since`.", examples=["k3xq9-42"])
]
TopicName = Annotated[str, Meta(min_length=1, max_length=limits.TOPIC_NAME_CHARACTERS, examples=["rooms/1"])]
Key = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=limits.KEY_CHARACTERS,
        description="The client's own name for the message that this one answers.",
        examples=["a-1"],
    ),
]


class ResetReason(Struct, frozen=True):
    """Why a cursor cannot be honoured."""

    reason: Annotated[str, Meta(description="`trimmed`, `unknown_log` or `ahead_of_log`", examples=["trimmed"])]


class Dropped(Struct, frozen=True):
    """How many signals were lost to a client that was too slow."""

    dropped: Annotated[int, Meta(ge=1, examples=[12])]


class Goodbye(Struct, frozen=True):
    """When to come back, in ms; the clients are told times that are spread, so that not all come at once."""

    reason: Annotated[str, Meta(examples=["shutdown"])]
    retry_after: Annotated[int, Meta(ge=0, examples=[1500])]


class Fault(Struct, frozen=True):
    """What was wrong with the client's message; `retry_after` (ms) where it may be tried again."""

    message: Annotated[str, Meta(examples=["content: 1 to 4,000 characters besides the space around them"])]
    code: Annotated[str, Meta(examples=["invalid_content"])]
    fields: Annotated[dict[str, str], Meta(examples=[{"content": "1 to 4,000 characters"}])] | UnsetType = UNSET
    retry_after: Annotated[int, Meta(ge=0, examples=[200])] | UnsetType = UNSET


# What the first message of a connection carries beside its own fields, whichever message that is.
WELCOME_FIELDS: dict[str, Any] = {
    "connection_id": Annotated[
        str,
        Meta(description="A secret of this connection, for `X-Connection-Id`.", examples=["A1b2C3d4E5f6G7h8I9j0K1l2"]),
    ],
    "transport": Annotated[str, Meta(examples=["ws"])],
    "heartbeat": Annotated[float, Meta(gt=0, description="Seconds of silence after which one comes.", examples=[30])],
}

SENDS = (
    MessageShape(
        Control.CONNECTED, "The first message, of a connection to several topics; each topic's welcome follows."
    ),
    MessageShape(Control.HEARTBEAT, "Nothing happened for a while, up to `id`.", fields={"id": CursorText}),
    MessageShape(
        Control.RESET,
        "Your cursor cannot be honoured: reload your snapshot, and go on from `id`.",
        ResetReason,
        {"id": CursorText},
    ),
    MessageShape(Control.GAP, "Signals of `topic` that you were too slow for.", Dropped, {"topic": TopicName}),
    MessageShape(Control.BYE, "The server closes this connection in good order.", Goodbye),
    MessageShape(Control.ERROR, "A message of yours was refused; the connection stays open.", Fault),
    MessageShape(Control.PONG, "The answer to `ping`."),
    MessageShape(Control.LOUD_PONG, "The answer to `PING`."),
    MessageShape(Control.ACK, "The answer to a message that had a `key` and has no reply of its own."),
    MessageShape(Control.UNSUBSCRIBED, "You no longer follow `topic`.", fields={"topic": TopicName}),
)
RECEIVES = (
    MessageShape(Control.PING, "Answered with `pong`; `action` in the place of `type` will do."),
    MessageShape(Control.LOUD_PING, "Answered with `PONG`."),
    MessageShape(Control.SUBSCRIBE, "Follow `topic` too; answered with its welcome.", fields={"topic": TopicName}),
    MessageShape(
        Control.UNSUBSCRIBE, "Follow `topic` no longer; answered with `unsubscribed`.", fields={"topic": TopicName}
    ),
    MessageShape(Control.BYE, "You leave for good: your user does not linger."),
)
