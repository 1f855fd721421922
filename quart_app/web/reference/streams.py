"""What the transports take and answer over plain HTTP, by address, for the OpenAPI document.

They are below the web and cannot say it beside their handlers. The messages themselves are AsyncAPI's.
"""

from typing import Annotated, Any, Final, TypedDict

from msgspec import Meta, Struct, field

from quart_app.realtime import CursorText, contract, limits
from quart_app.web.operations import Operation

Names = Annotated[
    list[Annotated[str, Meta(examples=["log/dice"])]], Meta(min_length=1, max_length=limits.TOPICS_PER_CONNECTION)
]


class From(Struct, frozen=True, kw_only=True):
    """The parameters that say where a stream starts."""

    since: Annotated[str, Meta(description="A cursor; `0`: all that is retained.", examples=["0"])] | None = None
    fresh: Annotated[list[str], Meta(description="Topics that `since` does not apply to.")] = []


class Waiting(From, frozen=True, kw_only=True):
    """The parameters that say where a long poll starts, and how long it waits."""

    wait: Annotated[float, Meta(ge=0, le=limits.POLL_WAIT, description="Seconds.", examples=[0])] = limits.POLL_WAIT


class FromMany(From, frozen=True, kw_only=True):
    """The parameters that say which topics a stream follows, and where it starts."""

    topic: Names


class WaitingForMany(Waiting, frozen=True, kw_only=True):
    """The parameters that say which topics a long poll follows, where it starts, and how long it waits."""

    topic: Names


class Resuming(Struct, frozen=True):
    """The headers of an event stream."""

    last_event_id: Annotated[str, Meta(description="A cursor; it counts before `since`.")] | None = field(
        name="Last-Event-ID", default=None
    )


class Continuing(Struct, frozen=True):
    """The headers of a request that belongs to a connection."""

    connection_id: Annotated[str, Meta(description="The `connection_id` of the welcome.")] | None = field(
        name="X-Connection-Id", default=None
    )


class Said(Struct, frozen=True):
    """What a WebSocket client would send; what else is in it depends on the topic."""

    type: Annotated[str, Meta(min_length=1, examples=["ping"])]
    data: Any = None


class Told(TypedDict):
    """The messages that a WebSocket would have been sent in reply."""

    messages: list[dict[str, Any]]


class Polled(Told):
    """The messages that came, and the cursor to ask with next."""

    id: CursorText


_NAME: Final = (("name", contract.TopicName),)
_EVENTS: Final = "text/event-stream"
_STREAM: Final = (
    "Server-sent events: a stream that does not end.\n\nFor `EventSource`; every message is one `data:` line."
)
_POLL: Final = "Long poll: what there is, at once; else what comes first within `wait` seconds."
_SEND: Final = "Send a message as on a WebSocket, for those who are on server-sent events or long poll."

STREAMS: Final = {
    "/sse": (_STREAM, Operation(tag="streams", answer=str, bare=True, answer_type=_EVENTS, query=FromMany,
                                headers=Resuming, refusals=(404,))),
    "/sse/{name}": (_STREAM, Operation(tag="streams", answer=str, bare=True, answer_type=_EVENTS, query=From,
                                       headers=Resuming, path=_NAME, refusals=(404,))),
    "/poll": (_POLL, Operation(tag="streams", answer=Polled, bare=True, query=WaitingForMany, headers=Continuing,
                               refusals=(404,))),
    "/poll/{name}": (_POLL, Operation(tag="streams", answer=Polled, bare=True, query=Waiting, headers=Continuing,
                                      path=_NAME, refusals=(404,))),
    "/send/{name}": (_SEND, Operation(tag="streams", body=Said, answer=Told, bare=True, headers=Continuing,
                                      path=_NAME, refusals=(404,))),
}  # fmt: skip
"""The purpose and the shapes of each address."""
