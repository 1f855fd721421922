"""What clients may send to open topics, and ask of the log and of the topics as a whole, by field and type."""

from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from quart_app.realtime import limits

LOG_DEFAULT: Final = 100
LOG_LIMIT: Final = 1_000
TOPICS_LIMIT: Final = 1_000

Type = Annotated[str, Meta(min_length=1, max_length=limits.TYPE_CHARACTERS)]
PublicationKey = Annotated[str, Meta(min_length=1, max_length=limits.KEY_CHARACTERS)]


class Publication(Struct, frozen=True, forbid_unknown_fields=True):
    """One message to be published: `data` is any JSON."""

    topic: str
    type: Type
    data: Any = None
    key: PublicationKey | None = None


Several = Annotated[list[Publication], Meta(min_length=1, max_length=limits.PUBLISH_LIST)]
Publications = Publication | Several
"""The body of `POST /api/publish`: one message, or a list."""


class TopicQuery(Struct, frozen=True):
    """The query of `GET /api/topics`."""

    after: Annotated[str, Meta(description="Names that come after this one; or the `after` of an answer.")] = ""
    limit: Annotated[int, Meta(ge=1, le=TOPICS_LIMIT)] = TOPICS_LIMIT


class LogQuery(Struct, frozen=True):
    """The query of `GET /api/log`."""

    topic: Annotated[
        list[Annotated[str, Meta(examples=["rooms/1"])]],
        Meta(min_length=1, max_length=limits.TOPICS_PER_CONNECTION, description="One or more, each by its name."),
    ]
    since: Annotated[str, Meta(description="A cursor, or `0` for all that is retained.", examples=["0"])] = "0"
    limit: Annotated[int, Meta(ge=1, le=LOG_LIMIT)] = LOG_DEFAULT
