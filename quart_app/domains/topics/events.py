"""The topics of the open namespaces, whose messages are whatever people publish there."""

from typing import Any, Final

from quart_app.domains.topics.shapes import Author
from quart_app.realtime import CursorText, Kind, MessageShape, TopicShape

_OWN = "A message of your own type, with any JSON in `data`."
_BY = "`by` tells who published it; where a function of the server did, there is none."
_ANY_TYPE = "{type}"


def _open(name: str, summary: str, kind: Kind) -> TopicShape:
    return TopicShape(
        name,
        summary,
        kind,
        sends=(
            MessageShape(_ANY_TYPE, f"{_OWN} {_BY}", Any, optional={"by": Author}),
            MessageShape("published", "Yours is published; `id` is the cursor.", fields={"id": CursorText}),
        ),
        receives=(MessageShape(_ANY_TYPE, f"{_OWN} Published to all, answered with `published`.", Any),),
    )


TOPICS: Final = (
    _open("log/{name}", "An open topic, kept in the log.", Kind.DURABLE),
    _open("state/{name}", "An open topic of which the latest value by type is kept.", Kind.STATE),
    _open("live/{name}", "An open topic of the moment: nothing is kept.", Kind.SIGNAL),
)
