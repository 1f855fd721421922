"""What REST answers about connections, doors and the state of the whole, by field and type."""

from typing import Annotated, Literal, NotRequired, TypedDict

from msgspec import Meta

Count = Annotated[int, Meta(ge=0, examples=[3])]
PublicId = Annotated[
    str,
    Meta(
        pattern="^[0-9a-f]{12}$",
        description="Names a connection to others than its client.",
        examples=["9f86d081884c"],
        extra={"words": "12 digits and letters from a to f"},
    ),
]


class ConnectionListed(TypedDict):
    """A connection as administrators see it: by its `handle`, because only its own client may know its
    `connection_id`."""

    handle: PublicId
    user_id: int | str
    username: str
    role: str
    transport: Annotated[str, Meta(examples=["ws"])]
    door: Annotated[str, Meta(description="The door by which it came in.", examples=["front"])]
    topics: Annotated[list[str], Meta(examples=[["rooms/1"]])]
    opened_at: Annotated[str, Meta(description="ISO 8601 in UTC.", examples=["2026-01-31T12:00:00.000Z"])]
    sent: Annotated[int, Meta(ge=0, description="Messages it was sent.")]
    sent_bytes: Annotated[int, Meta(ge=0, description="These, on the wire.")]
    received: Annotated[int, Meta(ge=0, description="Messages that came from it.")]
    dropped: Annotated[int, Meta(ge=0, description="Signals that it was too slow for.")]
    lag: Annotated[int, Meta(ge=0, description="Positions between the head and where it stands.")]
    rtt: Annotated[float | None, Meta(description="ms of the last round trip, where one was measured.")]
    agent: Annotated[str, Meta(description="What the client calls itself.", examples=["curl/8.14.1"])]


class ConnectionsFound(TypedDict):
    """A page of connections, and how many there are on all pages."""

    total: Count
    connections: list[ConnectionListed]


class ConnectionClosed(TypedDict):
    """The connection that was closed just now."""

    handle: PublicId


class ResponseTime(TypedDict):
    """How long it took to handle what clients said, in ms; null where nobody has said anything."""

    mean: float | None
    p95: float | None


class ServerStatus(TypedDict):
    """The state of the server since its start.

    `connections` counts by channel, for the busiest of them.
    """

    total_connections: Count
    connections: Annotated[dict[str, int], Meta(examples=[{"pets": 2, "rooms/1": 5}])]
    messages_sent: Count
    messages_received: Count
    errors: Count
    response_time_ms: ResponseTime
    uptime_seconds: Annotated[float, Meta(ge=0)]


class NodeListed(TypedDict):
    """A node: one of the processes that serve one log together. One that does not `answer` in time has its name only;
    one that is alone has none."""

    name: Annotated[str, Meta(examples=["web-1-4711"])]
    answers: bool
    yours: NotRequired[Annotated[bool, Meta(description="Whether this request came to it.")]]
    since: NotRequired[Annotated[str, Meta(description="ISO 8601 in UTC.", examples=["2026-01-31T12:00:00.000Z"])]]
    connections: NotRequired[Annotated[dict[str, int], Meta(description="By transport.", examples=[{"ws": 12}])]]
    relay_lag: NotRequired[Annotated[int, Meta(ge=0, description="Positions that it is behind the log.")]]
    leads: NotRequired[
        Annotated[list[str], Meta(description="What it alone does for all.", examples=[["feed sensors", "retention"]])]
    ]
    away: NotRequired[
        Annotated[float | None, Meta(description="Seconds since which it does not reach the backplane; null: it does.")]
    ]


class QuotaListed(TypedDict):
    """A quota: its name, how much one user may have, where 0 is as much as they like, and how often somebody met it."""

    name: str
    most: Count
    met: Count


class AddressLimitListed(TypedDict):
    """A limit on addresses: its name, how much one may have, and how often that was met."""

    name: str
    most: Count
    met: Count


class DoorListed(TypedDict):
    """A door, and who has come in by it. Empty lists are no bound."""

    name: Annotated[str, Meta(examples=["class"])]
    address: Annotated[str, Meta(description="What a browser opens.", examples=["http://192.168.1.20:8001"])]
    listens_at: Annotated[list[str], Meta(examples=[["192.168.1.20:8001"]])]
    access: Literal["open", "secure"]
    hosts: list[str]
    topics: Annotated[list[str], Meta(examples=[["log/class/*"]])]
    paths: list[str]
    connections: Count
    users: Annotated[list[str], Meta(description="The names of those who are connected, the first of them.")]
    yours: Annotated[bool, Meta(description="Whether this request came in by it.")]
    first: Annotated[bool, Meta(description="Whether it is open for as long as the server runs.")]
    invites: Annotated[bool, Meta(description="Whether tokens are made for it here.")]


class DoorClosed(TypedDict):
    """The door that was closed just now, and how many connections had come in by it."""

    name: str
    connections: Count


class DoorToken(TypedDict):
    """A token that is good at one door, and the address by which a browser comes in with it."""

    token: str
    address: Annotated[str, Meta(examples=["http://192.168.1.20:8001/?token=…"])]
