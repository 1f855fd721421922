"""The routes of the reference.

The documents are made once, of the application as it is when the first one is asked for.
"""

from typing import Any
from weakref import WeakKeyDictionary

from quart import Blueprint, Response, render_template, request

from quart_app.context import App
from quart_app.web.address import host, origin, over_tls
from quart_app.web.context import app, this_door
from quart_app.web.reference.asyncapi import asyncapi
from quart_app.web.reference.openapi import openapi
from quart_app.web.reference.snippets import snippets
from quart_app.web.rest import json_answer
from quart_app.wire import is_topic_name

reference = Blueprint("reference", __name__, template_folder="templates")
_FIRST_TOPIC = "sensors"
_OPEN_TOPICS = ("log/hola", "state/hola", "live/hola")
_openapi: WeakKeyDictionary[App, dict[str, Any]] = WeakKeyDictionary()


def openapi_of(described: App) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of everything that is asked over HTTP, made once for an application."""
    if described not in _openapi:
        _openapi[described] = openapi(described.url_map, described.view_functions)
    return _openapi[described]


@reference.get("/openapi.json")
async def openapi_document() -> Response:
    """Answer the OpenAPI 3.1 document of everything that is asked over HTTP."""
    return json_answer(openapi_of(app()))


@reference.get("/asyncapi.json")
async def asyncapi_document() -> Response:
    """Answer the AsyncAPI 3.0 document of every topic and message, at this address."""
    return json_answer(asyncapi(app().topic_shapes, host(), secure=over_tls()))


@reference.get("/docs")
async def docs() -> str:
    """Show the OpenAPI document as a page where everything can be tried."""
    return await render_template("reference/docs.html")


@reference.get("/connect")
async def connect() -> str:
    """Show snippets for one's own client on the topic of the query, and what comes on it."""
    asked = request.args.get("topic", "").strip()
    known = [topic.name for topic in app().topic_shapes if "{" not in topic.name]
    return await render_template(
        "reference/connect.html",
        snippets=snippets(),
        origin=origin(),
        topic=asked if is_topic_name(asked) else _FIRST_TOPIC,
        topics=[*known, "rooms/1", *_OPEN_TOPICS],
        secure=this_door().secure,
    )
