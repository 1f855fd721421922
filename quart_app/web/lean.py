"""What a request and the opening of a WebSocket do not pay in Quart: what nobody here uses, and what is known already.

Everything goes by Quart's own overridable parts, and every route is an ordinary one. Nobody has a session; the route of
a path without places is looked up once; that a handler is a coroutine function is found out once.
"""

from functools import lru_cache
from inspect import iscoroutinefunction
from typing import Any, Final

from quart import Quart
from quart.sessions import NullSession, SessionInterface
from quart.wrappers.base import BaseRequestWebsocket
from werkzeug.routing import MapAdapter, RequestRedirect, Rule

_is_async: Final = lru_cache(maxsize=1024)(iscoroutinefunction)


class NoSessions(SessionInterface):
    """The session interface of an application in which nobody has a session."""

    _session = NullSession()

    async def open_session(self, app: Quart, request: BaseRequestWebsocket) -> Any:
        """Return the session of everybody, which is empty and takes nothing."""
        return self._session


class Route:
    """What finds the route of one request or WebSocket, in the place of werkzeug's adapter, which it asks for all else.

    That one examines the name of the host first, by which nothing is routed here.
    """

    __slots__ = ("_app", "_request")

    def __init__(self, app: "LeanQuart", request: BaseRequestWebsocket) -> None:
        self._app = app
        self._request = request

    def match(self, *, return_rule: bool) -> tuple[Rule, dict[str, Any]]:
        """Return the rule for the request, and the values of its places. Raise HTTPException."""
        return self._app.find_route(self._request)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._app.bind(self._request), name)


class LeanQuart(Quart):
    """A Quart application in which a request costs what its view needs."""

    session_interface: Any = NoSessions()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._anywhere = self.url_map.bind("")
        self._known_routes: dict[tuple[str, str, bool], tuple[Rule, dict[str, Any]]] = {}

    def create_url_adapter(self, request: BaseRequestWebsocket | None) -> Any:
        """Return what finds the route of a request, None where there is no request."""
        return None if request is None else Route(self, request)

    def bind(self, request: BaseRequestWebsocket) -> MapAdapter:
        """Return werkzeug's own adapter for a request."""
        adapter = super().create_url_adapter(request)
        assert adapter is not None  # noqa: S101 - there is one for every request
        return adapter

    def find_route(self, request: BaseRequestWebsocket) -> tuple[Rule, dict[str, Any]]:
        """Return the rule for a request, and the values of its places. Raise HTTPException."""
        asked = request.path, request.method, request.scheme in {"ws", "wss"}
        known = self._known_routes.get(asked)
        if known is not None:
            return known[0], dict(known[1])
        path, method, websocket = asked
        try:
            rule, values = self._anywhere.match(path, method, return_rule=True, websocket=websocket)
        except RequestRedirect:  # its address has the name of the host
            rule, values = self.bind(request).match(return_rule=True)
        if rule.arguments == (rule.defaults or {}).keys():
            self._known_routes[asked] = rule, dict(values)
        return rule, dict(values)

    def ensure_async(self, func: Any) -> Any:
        """Return `func`, or where it is no coroutine function, one that runs it in a thread."""
        return func if _is_async(func) else super().ensure_async(func)
