"""What tells of the sender of a request: its parameters, headers and cookies."""

from collections.abc import Mapping
from typing import Any, Protocol

from werkzeug.datastructures import Headers


class Source(Protocol):
    """The part of a request or a WebSocket that tells of its sender; Quart's ``request`` and ``websocket`` both fit."""

    @property
    def scope(self) -> Mapping[str, Any]:
        """The ASGI scope, in which the door is noted by which it came in."""

    @property
    def args(self) -> Mapping[str, str]:
        """The query parameters."""

    @property
    def headers(self) -> Mapping[str, str] | Headers:
        """The headers, case-insensitive."""

    @property
    def cookies(self) -> Mapping[str, str]:
        """The cookies."""
