"""What a request and the opening of a WebSocket do not pay in Quart: what nobody here uses, and what is known already.

Every route, hook and error handler is an ordinary one of Quart's. Nobody has a session, nobody listens to Quart's
signals or asks to be told of a context's end, and so none of these is looked after; the route of a path is remembered;
that a handler is a coroutine function is found out once.
"""

from collections.abc import Mapping
from functools import lru_cache
from inspect import iscoroutinefunction
from typing import Any, Final

from quart import Quart
from quart import globals as variables
from quart.sessions import NullSession, SessionInterface
from quart.wrappers import Request, Websocket
from quart.wrappers.base import BaseRequestWebsocket
from werkzeug.routing import MapAdapter, RequestRedirect, Rule

_ROUTES: Final = 1_000  # paths whose routes are remembered
_PATH_CHARACTERS: Final = 200  # and how long such a path may be

_is_async: Final = lru_cache(maxsize=1024)(iscoroutinefunction)
_APP: Final = variables._cv_app
# In Quart 0.23 all contexts are one, and what handles an error is told of it.
_REQUEST: Final[Any] = getattr(variables, "_cv_request", _APP)
_WEBSOCKET: Final[Any] = getattr(variables, "_cv_websocket", _APP)
_REQUEST_OF_CONTEXT: Final = "_request" if _REQUEST is _APP else "request"
_SESSION: Final = "_session" if _REQUEST is _APP else "session"


class NoSessions(SessionInterface):
    """The session interface of an application in which nobody has a session."""

    async def open_session(self, app: Quart, request: BaseRequestWebsocket) -> Any:
        """Return a session that is empty and takes nothing."""
        return NullSession()

    def is_null_session(self, instance: object) -> bool:
        """Return True: there is never anything to save."""
        return True


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
    _session = NullSession()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._anywhere = self.url_map.bind("")
        self._known_routes: dict[tuple[str, str, bool], tuple[Rule, Mapping[str, Any]]] = {}

    async def handle_request(self, request: Request) -> Any:
        """Return the answer to a request, or to what went wrong with it."""
        context: Any = self.request_context(request)
        entered = self._enter(_REQUEST, context)
        try:
            result = await self._result(context, request, self.before_request_funcs, self.dispatch_request)
            response = await self.make_response(result)
            return await self._processed(response, context._after_request_functions, request, self.after_request_funcs)
        except Exception as error:  # noqa: BLE001 - it is answered
            return await _handle(self.handle_exception, context, error)
        finally:
            _leave(entered)
            await request.close()

    async def handle_websocket(self, websocket: Websocket) -> Any:
        """Return the answer to a WebSocket that was not accepted, None where it was."""
        context: Any = self.websocket_context(websocket)
        entered = self._enter(_WEBSOCKET, context)
        try:
            result = await self._result(context, websocket, self.before_websocket_funcs, self.dispatch_websocket)
            response = None if result is None else await self.make_response(result)
            own = context._after_websocket_functions
            return await self._processed(response, own, websocket, self.after_websocket_funcs)
        except Exception as error:  # noqa: BLE001 - it is answered
            return await _handle(self.handle_websocket_exception, context, error)
        finally:
            _leave(entered)

    async def _result(self, context: Any, asked: BaseRequestWebsocket, before: Any, dispatch: Any) -> Any:
        """Return what the first hook says that says anything, else what the view says; an error's handler, after it."""
        context.match_request()
        try:
            for name in (None, *reversed(asked.blueprints)):
                for function in before.get(name, ()):
                    result = await self.ensure_async(function)()
                    if result is not None:
                        return result
            return await dispatch(context)
        except Exception as error:  # noqa: BLE001 - it is answered
            return await _handle(self.handle_user_exception, context, error)

    async def _processed(self, response: Any, own: Any, asked: BaseRequestWebsocket, after: Any) -> Any:
        """Return what the hooks make of `response`; `own` are the hooks of this request alone."""
        for function in own:
            response = await self.ensure_async(function)(response)
        for name in (*asked.blueprints, None):
            for function in reversed(after.get(name, ())):
                response = await self.ensure_async(function)(response)
        return response

    def _enter(self, variable: Any, context: Any) -> list[tuple[Any, Any]]:
        """Make `context`, which is nobody's session, the current one; return what undoes that."""
        setattr(context, _SESSION, self._session)
        entered = [(variable, variable.set(context))]
        if variable is not _APP:
            entered.append((_APP, _APP.set(self.app_context())))
        return entered

    def at_hand(self) -> Request | None:
        """Return the request that this task answers, None where it answers none."""
        context = _REQUEST.get(None)
        request: Request | None = None if context is None else getattr(context, _REQUEST_OF_CONTEXT)
        return request

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
        if known is None:
            known = self._match(request, *asked)
            if len(request.path) <= _PATH_CHARACTERS:
                if len(self._known_routes) >= _ROUTES:
                    self._known_routes.clear()
                self._known_routes[asked] = known
        rule, values = known
        return rule, dict(values)

    def _match(
        self, request: BaseRequestWebsocket, path: str, method: str, websocket: bool
    ) -> tuple[Rule, Mapping[str, Any]]:
        try:
            return self._anywhere.match(path, method, return_rule=True, websocket=websocket)
        except RequestRedirect:  # its address has the name of the host
            return self.bind(request).match(return_rule=True)

    def ensure_async(self, func: Any) -> Any:
        """Return `func`, or where it is no coroutine function, one that runs it in a thread."""
        return func if _is_async(func) else super().ensure_async(func)


async def _handle(handler: Any, context: Any, error: Exception) -> Any:
    """Return what a `handler` of errors says."""
    return await (handler(context, error) if _REQUEST is _APP else handler(error))


def _leave(entered: list[tuple[Any, Any]]) -> None:
    for variable, token in reversed(entered):
        variable.reset(token)
