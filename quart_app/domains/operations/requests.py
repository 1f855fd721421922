"""What administrators may ask of the list of connections, by field and type."""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from quart_app.domains.operations.rules import CONNECTIONS_DEFAULT, CONNECTIONS_LIMIT, QUERY_CHARACTERS
from quart_app.realtime.limits import SECURITY_LINES_SHOWN

PAGES: Final = 1_000_000

Column = Literal[
    "user", "transport", "opened", "sent", "dropped", "lag", "rtt",
    "-user", "-transport", "-opened", "-sent", "-dropped", "-lag", "-rtt",
]  # fmt: skip


class NotedPage(Struct, frozen=True):
    """The query of `GET /api/security-log`."""

    limit: Annotated[int, Meta(ge=1, le=SECURITY_LINES_SHOWN)] = SECURITY_LINES_SHOWN


class ConnectionsPage(Struct, frozen=True):
    """The query of `GET /api/connections`."""

    q: Annotated[
        str, Meta(max_length=QUERY_CHARACTERS, description="In a user, a topic, a transport or a user agent.")
    ] = ""
    sort: Annotated[Column, Meta(description="A column; with `-` before it, the largest first.")] = "-opened"
    page: Annotated[int, Meta(ge=1, le=PAGES)] = 1
    limit: Annotated[int, Meta(ge=1, le=CONNECTIONS_LIMIT)] = CONNECTIONS_DEFAULT
