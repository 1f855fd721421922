"""The composition root, which builds everything and knows the order in which the parts start and stop.

Only the server and the tests import it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import AsyncExitStack
from importlib import import_module
from pathlib import Path
from typing import Any, Final, TypeVar

from quart import Blueprint, after_this_request
from quart.wrappers import Request

from quart_app import resources, transports, web
from quart_app.config import SPECS, Settings, SettingsError
from quart_app.domains import Program, bank, chat, clinic, lab, operations, products, sessions, telemetry, topics
from quart_app.doors import Door, Doors, door_of, is_loopback, trusts
from quart_app.functions.serving import Functions
from quart_app.identity import Identification
from quart_app.realtime import Backplane, Hub, Identity, Quota, Refused, TopicShape
from quart_app.realtime.limits import BODY_TIMEOUT, REQUEST_BODY_BYTES
from quart_app.security_log import SEEN, Act, SecurityLog, Whence
from quart_app.storage.database import Database
from quart_app.storage.event_log import TortoiseEventLog
from quart_app.storage.idempotency import IdempotencyKey
from quart_app.storage.leases import StoredLeases
from quart_app.storage.retention import Retention
from quart_app.storage.unit_of_work import Append, Deed, UnitOfWork
from quart_app.storage.write_check import WriteCheck
from quart_app.storage.writer import Writer
from quart_app.surroundings import now
from quart_app.transports.below.addresses import Addresses
from quart_app.transports.below.first_read import Holder, Reception
from quart_app.transports.below.http import CutOffConnection, ReceivedRequest
from quart_app.transports.guards.body import Application, BodyLimit
from quart_app.transports.guards.doorkeeper import Doorkeeper
from quart_app.transports.guards.heard import Heard
from quart_app.transports.socketio import SOCKETIO_PATH, SocketIo, SocketIoEndpoint
from quart_app.transports.websocket import RoutedConnection, RoutedWebsocket, follow_websocket
from quart_app.web.lean import LeanQuart
from quart_app.wire import is_covered

T = TypeVar("T")

logger = logging.getLogger(__name__)

DOMAINS = (topics, chat, bank, products, telemetry, clinic, lab, sessions, operations)
MODEL_MODULES = tuple(domain.MODELS for domain in DOMAINS if domain.MODELS)
BADGE_TOPIC: Final = "live/hola"
"""What a page with nothing live of its own follows, to show how the visitor is connected."""


class EnVivo(LeanQuart, Program):
    """The application. It starts and stops with the server's lifespan, once."""

    asgi_http_class = CutOffConnection
    request_class = ReceivedRequest
    websocket_class = RoutedWebsocket
    asgi_websocket_class = RoutedConnection

    direct = True
    """This flag tells whether deliveries may be written past ASGI; the server finds out at its start whether that
    works."""

    leaving = False
    """This flag tells whether the server has been told to stop; the server sets it."""

    writer: Writer
    _log: TortoiseEventLog
    _write_check: WriteCheck

    def __init__(self, settings: Settings) -> None:
        super().__init__("quart_app", static_folder=str(resources.static_folder()), static_url_path="/static")
        self.config["MAX_CONTENT_LENGTH"] = REQUEST_BODY_BYTES
        self.config["BODY_TIMEOUT"] = BODY_TIMEOUT
        self.config["RESPONSE_TIMEOUT"] = None  # CutOffConnection has its own
        self.url_map.redirect_defaults = False  # no route of ours needs it, and every connection would pay
        self.settings = settings
        self.hub = Hub(
            heartbeat=settings.heartbeat,
            peer_timeout=settings.peer_timeout,
            quota=Quota(**settings.quotas()),
            backplane=_backplane(settings),
        )
        self.doors = Doors(settings.doors)
        self.doors.on_close.append(self._turn_out)
        self.identification = Identification(self.hub.revocations, self.doors.is_open)
        self.security = SecurityLog(settings.security_log_path)
        self.hub.commands.witness = self._note_refusal
        self.socketio = SocketIo(
            self.hub,
            self.identification,
            self.security,
            heartbeat=settings.heartbeat,
            peer_timeout=settings.peer_timeout,
        )
        self.addresses = Addresses(
            settings.address_connections, settings.address_rate, self.counts_address, self._address_met
        )
        self.hub.lines.on_loss = self.addresses.leave
        self._opened = AsyncExitStack()
        self.topic_shapes: list[TopicShape] = []
        self.menu: list[tuple[str, str]] = []
        self._may_open: dict[str, Callable[[Identity], bool]] = {}
        self.context_processor(self._links)
        self._at_start: list[Callable[[], Awaitable[object]]] = []
        self._at_stop: list[Callable[[], Awaitable[object]]] = []
        self._examples: list[Callable[[UnitOfWork], Awaitable[object]]] = []

    async def commit(
        self,
        unit: Callable[[UnitOfWork], Awaitable[T]] | Append[T],
        *,
        key: IdempotencyKey | None = None,
        parts: Collection[IdempotencyKey] = (),
        on_commit: Callable[[T], object] | None = None,
        on_failure: Callable[[], object] | None = None,
    ) -> T:
        """Run a unit of work and return its result; `Writer.commit` tells all about it. The answer to the request that
        it is done for gets a cursor that has it."""
        origin = self.at_hand()
        result = await self.writer.commit(
            unit, key=key, parts=parts, on_commit=on_commit, on_failure=on_failure, origin=origin
        )
        if origin is not None:
            after_this_request(self._tell_cursor)
        return result

    async def _tell_cursor(self, response: Any) -> Any:
        response.headers[web.CURSOR] = str(self._log.cursor(self._log.known_head))
        return response

    def _note_deeds(self, deeds: Sequence[Deed], origin: Request | None) -> None:
        """Tell the security log what was done by the request `origin`; what the program does itself is nobody's
        deed."""
        if origin is None:
            return
        where = Whence.of(origin.scope)
        for deed in deeds:
            self.security.note("changed", deed.who, where, Act(deed.what, deed.object, deed.detail))

    def _note_refusal(self, what: str, who: Identity, connection_id: str, topic: str, refused: Refused) -> None:
        """Tell the security log that what a client said was refused."""
        if refused.status not in SEEN:
            return
        connection, request = self.hub.connections.get(connection_id), self.at_hand()
        if connection is not None:
            where = Whence(connection.address, connection.door)
        else:
            where = Whence() if request is None else Whence.of(request.scope)
        self.security.refused(refused, where, lambda: who, Act(what, topic))

    async def log_heads(self, after: str, limit: int) -> dict[str, int]:
        """Return the newest retained position of each of the first `limit` topics whose names come after `after`."""
        return await self._log.heads(after, limit)

    def add_routes(self, routes: Blueprint) -> None:
        self.register_blueprint(routes)

    def add_to_menu(self, path: str, title: str) -> None:
        self.menu.append((path, title))

    def show_links_to(self, path: str, may_open: Callable[[Identity], bool]) -> None:
        self._may_open[path] = may_open

    def _links(self) -> dict[str, Any]:
        """Return the names by which templates link pages: a stranger sees what they could open after signing in without
        any role. Also the topic of the badge, where the visitor may follow it."""
        known, door = web.visitor(), web.this_door()
        who = known or Identity("", "")

        def may_open(path: str) -> bool:
            rule = self._may_open.get(path)
            return door.shows(path) and (rule is None or rule(who))

        return {"menu": self.menu, "may_open": may_open, "badge_topic": _badge_topic(known)}

    def serve_websocket(self, path: str, topic: str) -> None:
        self.add_websocket(path, f"websocket {path}", follow_websocket, defaults={"name": topic})

    def serve_socketio(self, *topics: str) -> None:
        self.socketio.topics += topics

    def describe(self, *topics: TopicShape) -> None:
        self.topic_shapes += topics

    def add_examples(self, unit: Callable[[UnitOfWork], Awaitable[object]]) -> None:
        self._examples.append(unit)

    def at_start(self, work: Callable[[], Awaitable[object]]) -> None:
        self._at_start.append(work)

    def at_stop(self, work: Callable[[], Awaitable[object]]) -> None:
        self._at_stop.append(work)

    async def start(self) -> None:
        """Open the stores, then the engine, then the domains. Where that fails, `stop` closes what is open.

        Raise StorageError, and SettingsError where the security log cannot be written.
        """
        database = await Database.open(
            self.settings.database_url,
            MODEL_MODULES,
            logger.info,
            shared=self.hub.backplane.shared,
            node=self.settings.node_name,
        )
        self._opened.push_async_callback(database.close)
        self.security.open()
        self._opened.callback(self.security.close)
        self._log = log = await TortoiseEventLog.load(shared=self.hub.backplane.shared)
        await self.hub.start(log)
        log.went_back = self.hub.log_went_back
        self.writer = Writer(log, self.hub, check=database.check, witness=self._note_deeds)
        self._opened.push_async_callback(self.writer.stop)
        self._opened.push_async_callback(self.hub.stop)
        self._opened.push_async_callback(self.socketio.stop)
        self.writer.start()
        self._write_check = WriteCheck(self.writer)
        if self.hub.backplane.shared:
            await self._meet_others(database)
            self.hub.leases.start(StoredLeases(self.writer))
        kept = Retention(
            self.writer,
            log,
            self.settings.retention,
            bytes=self.settings.retention_bytes,
            lease=self.hub.leases.want("retention"),
        )
        self._opened.push_async_callback(_cancel, asyncio.create_task(kept.run(), name="retention"))
        if log.known_head == 0 and not self.settings.empty:
            await self.commit(self._fill)
        for work in self._at_start:
            await work()

    async def stop(self) -> None:
        """Stop in the reverse order: the domains, then take nothing new, commit what waits, then close the stores."""
        for work in self._at_stop:
            await work()
        await self._opened.aclose()

    async def _meet_others(self, database: Database) -> None:
        from quart_app.backplane import meet  # there is one, so its driver is there, too

        await meet(self.hub.backplane, self.settings.node_name, database.others)

    async def _fill(self, work: UnitOfWork) -> None:
        if work.next_position > 1:
            return  # another node was first
        for example in self._examples:
            await example(work)

    def reception(self, config: Any, holder: Holder) -> Reception:
        """Return what receives the connections that are accepted for this application, and `holder` keeps hold of."""
        elsewhere = (SOCKETIO_PATH,) if self.direct else None
        return Reception(self, config, self.hub.wheel, holder, self.addresses, elsewhere)

    def taken(self) -> Iterator[Any]:
        """Return the TCP connections that have left the server and are one connection of the hub each."""
        return self.hub.lines.carriers()

    def _turn_out(self, door: Door) -> None:
        """End the connections of those who have come in by `door`."""
        for connection in list(self.hub.connections.values()):
            if connection.door == door.name:
                connection.refuse("this door was closed")

    def counts_address(self, host: str) -> bool:
        """Tell whether the connections of an address are counted: those of this machine are its owner's, those of a
        trusted proxy everybody's."""
        return not (is_loopback(host) or trusts(self.settings.trusted_proxies, host))

    def _address_met(self, host: str, limit: str, refused: Refused | None) -> None:
        """Take note of an address that has met a limit, and of a connection that was refused before anybody knew whose
        it is."""
        self.hub.counters.addresses.count(host, limit, now())
        if refused is not None:
            self.hub.counters.errors[refused.code] += 1
            self.security.refused(refused, Whence(host), lambda: None, Act("connection"))

    async def drain(self, leaving: Collection[str]) -> None:
        """Send every client away in good order; return when they are gone, or after 4 s. `leaving` are the names of the
        nodes that leave now."""
        await asyncio.gather(self.hub.drain(leaving), self.socketio.elsewhere.drain())

    async def healthy(self) -> dict[str, str]:
        """Return the state of each store by its name: `ok`, or what is wrong with it; of the backplane whether it is
        `up`."""
        try:
            await self.hub.log.floor()
            reading = "ok"
        except Refused as away:
            reading = str(away.args[0])
        except Exception as error:
            logger.exception("the database cannot be read")
            reading = f"cannot be read: {error}"
        checks = {"database": reading, "writer": await self._write_check.complaint() or "ok"}
        if self.hub.backplane.shared:
            checks[web.BACKPLANE] = self._state_of_backplane()
        return checks

    def _state_of_backplane(self) -> str:
        since = self.hub.backplane.away_since
        return "up" if since is None else f"away for {asyncio.get_running_loop().time() - since:.0f} s"


def _backplane(settings: Settings) -> Backplane | None:
    """Return what joins this node to others, None where it is alone. Raise SettingsError."""
    if settings.backplane_url is None:
        return None
    spec = SPECS["backplane_url"]
    try:
        from quart_app.backplane import Link, connect_to
    except ModuleNotFoundError as error:
        raise SettingsError(spec.variable, "set", "left out without its driver: pip install 'envivo[redis]'") from error
    try:
        return Link(connect_to(settings.backplane_url), settings.node_name)
    except ValueError as error:
        raise SettingsError(spec.variable, "set", spec.may_be) from error


async def _cancel(task: asyncio.Task[None]) -> None:
    """Cancel `task` and wait for its end."""
    task.cancel()
    await asyncio.wait([task])


def _badge_topic(visitor: Identity | None) -> str:
    follows = visitor is not None and all(is_covered(BADGE_TOPIC, rights.subscribe) for rights in visitor.rights)
    return BADGE_TOPIC if follows else ""


def create_app(settings: Settings) -> EnVivo:
    """Return the whole program for `settings`, not started. Raise FunctionsError where the functions cannot be
    loaded."""
    app = EnVivo(settings)
    web.register(app, settings)
    app.register_blueprint(transports.blueprint())
    transports.answer_others(app.hub)
    for domain in DOMAINS:
        domain.contribute(app)
    app.before_serving(app.start)
    if any(door.secure and (door.issuer or door.provider) for door in settings.doors):
        from quart_app.providers import Providers

        providers = Providers(app, settings.doors)
        app.before_serving(providers.start)
        app.after_serving(providers.stop)
    if settings.functions is not None:
        functions = Functions(app, Path(settings.functions))
        app.before_serving(functions.start)
        app.after_serving(functions.stop)  # this comes before the stores close
    app.after_serving(app.stop)
    application: Application = SocketIoEndpoint(app.asgi_app, app.socketio)
    if any(door.secure for door in settings.doors):
        import_module("jwt")  # now, and not while the first client that has a token waits
    application = BodyLimit(application, REQUEST_BODY_BYTES, lambda scope: app.doors.is_open(door_of(scope)))
    application = Doorkeeper(application, app.doors, app.security)
    app.asgi_app = Heard(application, app.addresses)  # type: ignore[method-assign]  # Quart's documented way
    return app
