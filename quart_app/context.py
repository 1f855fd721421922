"""The application that answers the request or the WebSocket at hand, typed for those who ask it something.

This file stands below `web` and `transports`, which both need it and may not import each other.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, cast

from quart import current_app
from werkzeug.routing import Map

from quart_app.config import Settings
from quart_app.identity import Identification
from quart_app.realtime import Hub, TopicShape


class App(Protocol):
    """The part of the application that views and transports use; `app.EnVivo` implements it."""

    settings: Settings
    identification: Identification
    hub: Hub
    direct: bool
    topic_shapes: Sequence[TopicShape]
    url_map: Map
    view_functions: dict[str, Callable[..., Any]]

    async def healthy(self) -> dict[str, str]:
        """Return the state of each part: ``"ok"`` or what is wrong with it."""


def app() -> App:
    """Return the application of this context, without the proxy in front of it."""
    proxy: Any = current_app
    return cast("App", proxy._get_current_object())  # werkzeug's documented way past the proxy
