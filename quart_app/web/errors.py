"""Refusals and failures as a visitor meets them: JSON for programs, a page for people.

This file owns the shape `{"success": false, "error": {"code", "message", "fields"?}}`. Who refuses and why is decided
elsewhere: every layer raises `Refused`, Werkzeug raises `HTTPException`, and anything else is our fault, logged under
an id.
"""

import logging
import math
import re
import secrets

from quart import Quart, Response, has_request_context, jsonify, render_template, request, websocket
from werkzeug.exceptions import HTTPException

from quart_app.context import app, note_refusal
from quart_app.realtime import Refused
from quart_app.security_log import Act
from quart_app.web.address import here, local_path
from quart_app.web.context import this_request
from quart_app.web.i18n import catalogue, translate

logger = logging.getLogger(__name__)

_PROGRAM_PATHS = re.compile(
    r"/(api|send|sse|poll|ws|health|metrics|websocket|alerts|asyncapi\.json|openapi\.json)(/|$)"
)


_OF_PAGES = frozenset({"GET", "HEAD", "POST"})  # what links and forms can do


def wants_json() -> bool:
    """Tell whether the request comes from a program: by its path or its method, or because it accepts JSON and not
    HTML."""
    if not has_request_context() or _PROGRAM_PATHS.match(request.path) or request.method not in _OF_PAGES:
        return True  # without a request it is the handshake of a WebSocket, and no page is shown of that
    accepted = request.accept_mimetypes
    return bool(accepted) and accepted.best == "application/json"


def error_body(code: str, message: str, fields: dict[str, str] | None = None) -> dict[str, object]:
    """Return the JSON body of a refusal; `fields` maps a field's name to what is wrong with it."""
    error: dict[str, object] = {"code": code, "message": message}
    if fields:
        error["fields"] = fields
    return {"success": False, "error": error}


async def _next(tried: bool) -> str:
    """Return where to go on after signing in: here, or where the form wanted to go that was `tried`."""
    if tried:
        return local_path((await request.form).get("next", "/"))
    return here() if request.method == "GET" else "/"


async def _answer(status: int, code: str, message: str, fields: dict[str, str] | None = None) -> Response:
    if wants_json():
        response = jsonify(error_body(code, message, fields))
    else:
        title = f"error.title_{status}"
        known = title in catalogue()
        tried = status == 401 and request.method == "POST"  # the form that asks for a token
        page = await render_template(
            "web/error.html",
            status=status,
            next=await _next(tried),
            title=translate(title if known else "error.title"),
            message=translate("error.wrong_token" if tried else f"error.text_{status}") if known else message,
            # Quart's own words for the others are English and add nothing.
            detail=message if status >= 500 else None,
        )
        response = Response(page, mimetype="text/html")
    response.status_code = status
    response.headers["Cache-Control"] = "no-store"
    return response


async def _refused(refusal: Refused) -> Response:
    app().hub.counters.errors[refusal.code] += 1
    if has_request_context():
        asked = this_request()
        topics = ", ".join(asked.args.getlist("topic"))
        note_refusal(asked, refusal, Act(f"{asked.method} {asked.path}", topics))
    fields = dict(refusal.fields) if refusal.fields else None
    response = await _answer(refusal.status, refusal.code, refusal.message, fields)
    if refusal.retry_after is not None:
        response.headers["Retry-After"] = str(math.ceil(refusal.retry_after))
    return response


async def _http_error(error: HTTPException) -> Response:
    given = error.get_response()
    status = error.code or 500
    if status < 400:
        return Response(given.get_data(), status=status, headers=dict(given.headers))
    code = re.sub(r"[^a-z0-9]+", "_", error.name.lower()).strip("_")
    response = await _answer(status, code, error.description or error.name)
    for name in ("Allow", "Retry-After", "WWW-Authenticate"):
        if name in given.headers:
            response.headers[name] = given.headers[name]
    return response


async def _failed(error: Exception) -> Response:
    incident = secrets.token_hex(4)
    what = f"{request.method} {request.path}" if has_request_context() else f"WebSocket {websocket.path}"
    logger.error("incident %s: %s", incident, ascii(what)[1:-1], exc_info=error)  # on one line, whatever the path is
    return await _answer(500, "internal_error", translate("error.incident", id=incident))


def register(app: Quart) -> None:
    """Answer every refusal and failure of `app` in the one shape."""
    app.register_error_handler(Refused, _refused)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _failed)
