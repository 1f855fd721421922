"""The domains, one folder each, and what all of them get from the program they are part of.

No domain knows another; none knows how the program is put together. `bank`, `chat`, `clinic`, `products` and
`telemetry` are businesses. `topics`, `sessions` and `operations` are tools of the program itself: the open topics, the
end of sessions, and the view of what the server is doing; `lab` is the laboratory in the browser. They have the same
shape.

A domain has these files, and leaves out those it has no use for:

    __init__.py    `contribute(program)` and MODELS, the module of its tables or None; about 25 lines
    models.py      the tables
    shapes.py      what REST answers and messages carry, by field and type
    requests.py    what clients may send, by field and type
    events.py      what happens, as the wire names it, and TOPICS, the description of its topics
    rules.py       decisions that look nothing up: limits, formats, what may become of what
    service.py     the use cases: load, decide by the rules, save, record the event
    channel.py     who may follow its topics, what a newcomer is told, what a client may say there
    views.py       `routes(…)`, its REST: read the request, ask the service, answer
    pages.py       `pages(…)`, its pages: the same with a template and the cursor to go live from
    examples.py    what a new database shows
    texts.toml     the words of its pages, in both languages
    templates/     the pages

`shapes`, `requests`, `events` and `rules` are pure: no store, no request. Further files are what one domain needs
beside these, such as `ledger.py` of the bank. A new domain is added in one place: `DOMAINS` in `quart_app/app.py`.
"""

from collections.abc import Awaitable, Callable
from typing import Protocol

from quart import Blueprint

from quart_app.config import Settings
from quart_app.doors import Doors
from quart_app.identity import Identification
from quart_app.realtime import Hub, Identity, TopicShape
from quart_app.security_log import SecurityLog
from quart_app.storage.unit_of_work import Committer, UnitOfWork


class Program(Committer, Protocol):
    """What a domain's `contribute(program)` may use."""

    hub: Hub
    settings: Settings
    doors: Doors
    identification: Identification
    security: SecurityLog

    async def log_heads(self, after: str, limit: int) -> dict[str, int]:
        """Return the position of the newest retained event of the first `limit` topics whose names come after
        `after`."""

    def add_routes(self, routes: Blueprint) -> None:
        """Serve these routes."""

    def add_to_menu(self, path: str, title: str) -> None:
        """Link the page at `path` from the header of every page; `title` is the key of its text."""

    def show_links_to(self, path: str, may_open: Callable[[Identity], bool]) -> None:
        """Link the page at `path` only for those for whom `may_open` holds; other pages are linked for everybody."""

    def serve_websocket(self, path: str, topic: str) -> None:
        """Follow `topic` over WebSocket at `path` too, where an older system had it."""

    def serve_socketio(self, *topics: str) -> None:
        """Let the Socket.IO clients of an older system follow `topics`, at `/socket.io`."""

    def describe(self, *topics: TopicShape) -> None:
        """Document these topics in `/asyncapi.json`."""

    def add_examples(self, unit: Callable[[UnitOfWork], Awaitable[object]]) -> None:
        """Fill a database in which nothing has ever happened with `unit`; it runs in one transaction with the others'
        examples."""

    def at_start(self, work: Callable[[], Awaitable[object]]) -> None:
        """Run `work` when everything has started, before the first client is let in."""

    def at_stop(self, work: Callable[[], Awaitable[object]]) -> None:
        """Run `work` when the server stops, while everything else is still there."""
