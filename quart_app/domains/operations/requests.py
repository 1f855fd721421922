"""What administrators may ask of the list of connections and say about doors, by field and type."""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from quart_app.domains.operations.rules import (
    CONNECTIONS_DEFAULT,
    CONNECTIONS_LIMIT,
    DOOR_HOST,
    NAME_CHARACTERS,
    QUERY_CHARACTERS,
)
from quart_app.doors import HOST, NAME, PATH
from quart_app.realtime.limits import DOOR_TOKEN_LIFETIME, SECURITY_LINES_SHOWN
from quart_app.wire import sizes

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


_LISTED = 50  # values in one list of a door
_HOST = Annotated[
    str, Meta(pattern=f"^{HOST}$", max_length=253, examples=["class.local"], extra={"words": "a name without its port"})
]
_TOPIC = Annotated[str, Meta(min_length=1, max_length=sizes.TOPIC_NAME_CHARACTERS + 2, examples=["log/class/*"])]
_PATH = Annotated[
    str, Meta(pattern=f"^{PATH}$", max_length=200, examples=["/ws"], extra={"words": "the beginning of a path"})
]


class NewDoor(Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /api/doors`. An empty list is no bound; port 0 stands for a free one."""

    name: Annotated[
        str,
        Meta(
            pattern=f"^{NAME}$",
            examples=["class"],
            extra={"words": "up to 32 small letters, digits and hyphens, a letter first"},
        ),
    ]
    host: Annotated[str, Meta(max_length=64, examples=["192.168.1.20"], extra={"words": DOOR_HOST})]
    port: Annotated[int, Meta(ge=0, le=65535, examples=[8001])]
    access: Literal["secure", "open"] = "secure"
    hosts: Annotated[list[_HOST], Meta(max_length=_LISTED, description="The names that it answers to.")] = []
    topics: Annotated[
        list[_TOPIC], Meta(max_length=_LISTED, description="The topics behind it: names, or `prefix/*`.")
    ] = []
    paths: Annotated[list[_PATH], Meta(max_length=_LISTED, description="The beginnings of the paths behind it.")] = []


class NewToken(Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /api/doors/{name}/tokens`."""

    user_id: Annotated[str, Meta(min_length=1, max_length=NAME_CHARACTERS, examples=["7"])]
    username: Annotated[str, Meta(max_length=NAME_CHARACTERS, examples=["Ana"])] = ""
    role: Annotated[str, Meta(min_length=1, max_length=NAME_CHARACTERS, examples=["user"])] = "user"
    lifetime: Annotated[int, Meta(ge=60, le=DOOR_TOKEN_LIFETIME, description="Seconds.", examples=[14400])] = 14_400
