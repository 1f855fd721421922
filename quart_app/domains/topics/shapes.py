"""What REST answers about open topics, the log and the topics as a whole, by field and type."""

from typing import Annotated, Any, Literal, TypedDict

from msgspec import Meta

from quart_app.realtime import CursorText

Count = Annotated[int, Meta(ge=0)]


class Author(TypedDict):
    """Who published a message, as the server knows them."""

    user_id: Annotated[int | str, Meta(description="a number where it is all digits", examples=[7])]
    username: Annotated[str, Meta(examples=["Ana"])]


class Published(TypedDict):
    """How many messages were published, and the cursor that the durable ones of them end at."""

    success: Literal[True]
    published: Annotated[int, Meta(ge=1)]
    id: CursorText


class Subscribers(TypedDict):
    """How many connections follow a topic, by transport."""

    ws: Count
    sse: Count
    poll: Count
    socketio: Count


class TopicListed(TypedDict):
    """A topic that holds something, or that somebody follows."""

    topic: Annotated[str, Meta(examples=["rooms/1"])]
    kind: Literal["durable", "state", "signal"]
    head: Annotated[str | None, Meta(description="The cursor of its newest event, where it has any.")]
    subscribers: Subscribers


class Logged(TypedDict, total=False):
    """A durable message, as a subscriber gets it; `/asyncapi.json` tells what else each type carries."""

    data: Any
    by: Annotated[Author, Meta(description="Who published it, where a client did, into an open topic.")]


class LoggedEnvelope(Logged):
    """A durable message with its envelope."""

    type: str
    timestamp: str
    topic: str
    id: CursorText
