"""What REST answers about sessions, by field and type."""

from typing import Annotated, TypedDict

from msgspec import Meta


class TopicsAllowed(TypedDict):
    """The topics that somebody may follow and publish on: names, prefixes followed by `/*`, or `*`."""

    subscribe: Annotated[list[str], Meta(examples=[["rooms/1", "log/class/*"]])]
    publish: Annotated[list[str], Meta(examples=[["log/class/*"]])]


class Session(TypedDict):
    """Who one is here, and until when; `topics` is null where all are allowed, and `expires_at` at an open door."""

    user_id: int | str
    username: str
    role: Annotated[str, Meta(examples=["user"])]
    door: Annotated[str, Meta(description="The name of the door one came by.", examples=["front"])]
    access: Annotated[str, Meta(examples=["secure"])]
    expires_at: Annotated[str | None, Meta(description="ISO 8601 in UTC.", examples=["2026-01-31T12:00:00.000Z"])]
    topics: TopicsAllowed | None


class Ended(TypedDict):
    """What was ended: the number of connections that were open by it."""

    connections: Annotated[int, Meta(ge=0, examples=[2])]


class Ticket(TypedDict):
    """A ticket, which opens a stream as `?ticket=` for so many seconds."""

    ticket: str
    expires_in: Annotated[int, Meta(ge=0, description="Seconds.", examples=[60])]
