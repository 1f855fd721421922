"""The domains, one folder each, and what all of them get from the program they are part of.

No domain knows another; none knows how the program is put together.
"""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from quart import Blueprint

from quart_app.config import Settings
from quart_app.realtime import Hub, TopicShape
from quart_app.storage.idempotency import IdempotencyKey
from quart_app.storage.unit_of_work import Append, UnitOfWork

T = TypeVar("T")


class Commit(Protocol):
    """Runs a unit of work; `storage.writer.Writer.run` tells all about it."""

    async def __call__(
        self,
        unit: Callable[[UnitOfWork], Awaitable[T]] | Append[T],
        *,
        key: IdempotencyKey | None = None,
        committed: Callable[[T], object] | None = None,
    ) -> T: ...


class Program(Protocol):
    """What a domain's `contribute(program)` may use."""

    @property
    def hub(self) -> Hub: ...

    @property
    def settings(self) -> Settings: ...

    @property
    def commit(self) -> Commit: ...

    async def log_heads(self, after: str, limit: int) -> dict[str, int]:
        """The position of the newest retained event of the first `limit` topics whose names come after `after`."""

    def add_pages(self, routes: Blueprint) -> None:
        """Serve these routes."""

    def serve_websocket(self, path: str, topic: str) -> None:
        """Follow `topic` over WebSocket at `path` too, where an older system had it."""

    def serve_socketio(self, *topics: str) -> None:
        """Let the Socket.IO clients of an older system follow `topics`, at `/socket.io`."""

    def describe(self, *topics: TopicShape) -> None:
        """Document these topics in `/asyncapi.json`."""

    def add_examples(self, unit: Callable[[UnitOfWork], Awaitable[object]]) -> None:
        """Fill a database in which nothing has ever happened; with the examples of the others, one transaction."""

    def at_start(self, work: Callable[[], Awaitable[object]]) -> None:
        """Run `work` when everything has started, before the first client is let in."""
