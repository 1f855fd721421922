"""The message `look`, a snapshot of the server's counters, which is the one message of the topic `operations`.

This file knows neither where the numbers come from nor who may see them.
"""

from typing import Annotated, Final

from msgspec import UNSET, Meta, Struct, UnsetType

from quart_app.realtime import Kind, MessageShape, NodesHeard, TopicShape

TOPIC: Final = "operations"
LOOK: Final = "look"

PerSecond = Annotated[float, Meta(ge=0, description="a second, since the look before", examples=[12.5])]
Milliseconds = Annotated[float, Meta(ge=0, examples=[2.4])]
Total = Annotated[int, Meta(ge=0, description="since the start")]


class Spread(Struct, frozen=True):
    """Two percentiles of durations since the look before: half took at most `p50` ms, 95 of 100 at most `p95`; null
    without any."""

    p50: Milliseconds | None
    p95: Milliseconds | None


class Look(Struct, frozen=True):
    """A snapshot of the server: what there is now, and what happened since the look before.

    Over several nodes it is the sum of all of them, but for `uptime` and `relay_lag`, which are the largest, and for
    `published`, which every node sees alike.
    """

    uptime: Annotated[float, Meta(ge=0, description="s")]
    connections: Annotated[dict[str, int], Meta(description="open now, by transport", examples=[{"ws": 12, "sse": 3}])]
    topics: Annotated[int, Meta(ge=0, description="topics somebody follows now, on each node")]
    published: Annotated[dict[str, PerSecond], Meta(description="events, by kind of topic")]
    delivered: Annotated[dict[str, PerSecond], Meta(description="messages, by transport")]
    received: Annotated[PerSecond, Meta(description="messages from clients")]
    sent_bytes: PerSecond
    commits: Annotated[PerSecond, Meta(description="transactions")]
    group: Annotated[float | None, Meta(description="units of work in a transaction, on average")]
    delivery: Annotated[Spread, Meta(description="from an event's arrival on the bus to its peer's transport")]
    commit: Annotated[Spread, Meta(description="of a transaction")]
    command: Annotated[Spread, Meta(description="from a client's message to the end of its handling")]
    loop_lag: Annotated[Spread, Meta(description="by which timers go off too late")]
    relay_lag: Annotated[int, Meta(ge=0, description="positions between the log and the bus")]
    behind: Annotated[int, Meta(ge=0, description="subscriptions that do not stand at the head")]
    opened: Total
    closed: Total
    errors: Total
    noted: Annotated[int, Meta(ge=0, description="lines of the security log since the start")]
    resets: Total
    gaps: Total
    dropped: Total
    tail_events: Annotated[int, Meta(ge=0, description="events in the tails of topics")]
    tail_bytes: Annotated[int, Meta(ge=0, description="about the bytes of these")]
    memory: Annotated[int | None, Meta(description="bytes of the process that are in memory; null where unknown")]
    cpu: Annotated[float, Meta(ge=0, description="cores in use", examples=[0.08])]
    nodes: Annotated[NodesHeard | UnsetType, Meta(description="where there are several")] = UNSET


class Sample(Struct, frozen=True):
    """An earlier look, and when it was taken (ISO 8601)."""

    timestamp: str
    look: Look


class Before(Struct, frozen=True):
    """The looks of the last minutes, oldest first, as far as somebody was watching.

    `handle` names the connection that is told this in the list of connections.
    """

    samples: list[Sample]
    handle: str


TOPICS: Final = (
    TopicShape(
        TOPIC,
        "What the server is doing, once a second while somebody watches. In secure mode for the role admin.",
        Kind.STATE,
        sends=(
            MessageShape("connected", "The looks of the last minutes.", data=Before),
            MessageShape(LOOK, "One look at the server.", data=Look),
        ),
    ),
)
