"""The application that answers the request or the WebSocket at hand, typed for those who ask it something.

This file stands below `web` and `transports`, which both need it and may not import each other.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, cast

from quart import current_app
from werkzeug.routing import Map

from quart_app.config import Settings
from quart_app.identity import Identification, Source
from quart_app.realtime import Hub, Refused, TopicShape
from quart_app.security_log import Act, SecurityLog, Whence


class App(Protocol):
    """The part of the application that views and transports use; `app.EnVivo` implements it."""

    settings: Settings
    identification: Identification
    hub: Hub
    security: SecurityLog
    direct: bool
    leaving: bool
    topic_shapes: Sequence[TopicShape]
    url_map: Map
    view_functions: dict[str, Callable[..., Any]]

    async def healthy(self) -> dict[str, str]:
        """Return the state of each part: ``"ok"`` or what is wrong with it."""


def app() -> App:
    """Return the application of this context, without the proxy in front of it."""
    proxy: Any = current_app
    return cast("App", proxy._get_current_object())  # werkzeug's documented way past the proxy


def note_refusal(source: Source, refused: Refused, act: Act) -> None:
    """Tell the security log that the sender of `source` was refused."""
    here = app()
    here.security.refused(
        refused, Whence.of(source.scope), lambda: here.identification.known(source, tickets=True), act
    )
