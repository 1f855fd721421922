"""What REST takes and answers about open topics, the log and the topics as a whole; and what their messages look like.

For the documents: `TOPICS` describes the open namespaces.
"""

from typing import Annotated, Any, Final, Literal, TypedDict

from msgspec import Meta, Struct

from quart_app.realtime import Kind, MessageShape, TopicShape, limits

LOG_DEFAULT: Final = 100
LOG_LIMIT: Final = 1_000
TOPICS_LIMIT: Final = 1_000

CursorText = Annotated[str, Meta(description="A cursor: `<epoch>-<position>`.", examples=["k3xq9-42"])]
Count = Annotated[int, Meta(ge=0)]


class TopicPage(Struct, frozen=True):
    """The query of `GET /api/topics`."""

    after: Annotated[str, Meta(description="Names that come after this one.")] = ""
    limit: Annotated[int, Meta(ge=1, le=TOPICS_LIMIT)] = TOPICS_LIMIT


class LogPage(Struct, frozen=True):
    """The query of `GET /api/log`."""

    topic: Annotated[
        list[Annotated[str, Meta(examples=["rooms/1"])]],
        Meta(min_length=1, max_length=limits.TOPICS_PER_CONNECTION, description="One or more, each by its name."),
    ]
    since: Annotated[str, Meta(description="A cursor, or `0` for all that is retained.", examples=["0"])] = "0"
    limit: Annotated[int, Meta(ge=1, le=LOG_LIMIT)] = LOG_DEFAULT


class Published(TypedDict):
    """How many were published, and the cursor that the durable ones of them end at."""

    success: Literal[True]
    published: Annotated[int, Meta(ge=1)]
    id: CursorText


class Subscribers(TypedDict):
    """Connections by transport."""

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


class LoggedEnvelope(Logged):
    type: str
    timestamp: str
    topic: str
    id: CursorText


_OWN = "A message of your own type, with any JSON in `data`."
_ANY_TYPE = "{type}"


def _open(name: str, summary: str, kind: Kind) -> TopicShape:
    return TopicShape(
        name,
        summary,
        kind,
        sends=(
            MessageShape(_ANY_TYPE, _OWN, Any),
            MessageShape("published", "Yours is published; `id` is the cursor.", fields={"id": CursorText}),
        ),
        receives=(MessageShape(_ANY_TYPE, f"{_OWN} Published to all, answered with `published`.", Any),),
    )


TOPICS = (
    _open("log/{name}", "An open topic, kept in the log.", Kind.DURABLE),
    _open("state/{name}", "An open topic of which the latest value by type is kept.", Kind.STATE),
    _open("live/{name}", "An open topic of the moment: nothing is kept.", Kind.SIGNAL),
)
