"""The OpenAPI 3.1 document, made of the `Operation` marks on the handlers and of the routes they are served at.

Our own 150 lines and not quart-schema's, which would replace the application's WebSocket and JSON classes, wrap every
answer, and still not know of the envelope, the common refusals, or what msgspec's schemas say already.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, Final, Literal

import msgspec
from werkzeug.routing import Map

from quart_app import __version__
from quart_app.realtime.limits import KEY_CHARACTERS
from quart_app.web.operations import JSON, Operation, operation_of
from quart_app.web.reference.shapes import Schema, Shapes
from quart_app.web.reference.streams import STREAMS

_PLACE = re.compile(r"<(?:\w+:)?(\w+)>")
_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")  # in the order in which a reader expects them
_EVERYWHERE: Final = (400, 401, 403, 421, 429, 503)
_WITH_BODY: Final = (408, 413, 415, 422)

_REFUSALS: Final = {
    400: "Not understood: `fields` names what is wrong.",
    401: "Secure mode: a token is needed, or this one does not hold.",
    403: "You may not, or the page that asks is of another site.",
    404: "There is no such thing.",
    405: "Not this method.",
    408: "The body did not come in in time.",
    409: "It cannot be done as things are now.",
    410: "The cursor cannot be honoured any more: reload, and go on from there.",
    413: "The body, or a message in it, is too big.",
    415: "The body has to be `application/json`.",
    421: "Open mode: the Host is not of this machine.",
    422: "This `Idempotency-Key` was used for another request before: take a new one. Or a lesson has no such thing.",
    429: "Too many at once; `Retry-After` says when to come back.",
    503: "Busy, about to stop, or nothing can be stored; `Retry-After` says when to come back.",
}
_ABOUT: Final = """Everything that is asked over HTTP. What comes by itself, over WebSocket, server-sent events or long
poll, is in [/asyncapi.json](/asyncapi.json); snippets to try are on [/connect](/connect).

* **Answers** are `{"success": true, "data": …}`,
  refusals `{"success": false, "error": {"code", "message", "fields"?}}`.
* **Who you are**: in open mode `?user_id=` and `?username=` say so, and nobody is asked for more. In secure mode a
  token of `envivo token` does: `Authorization: Bearer …`, `?token=`, or the cookie `envivo_token`.
* **`Idempotency-Key`** on a change: the same key again changes nothing and gets the first answer again, for 48 hours;
  with another request it is refused (422).
* **Times** are ISO 8601 in UTC, with milliseconds. A **cursor** (`<epoch>-<position>`) is opaque: give it back as
  `since`.
"""


class Problem(msgspec.Struct, frozen=True):
    """Why something was refused."""

    code: Annotated[str, msgspec.Meta(description="For programs; it does not change.", examples=["bad_request"])]
    message: Annotated[str, msgspec.Meta(description="For people.", examples=["limit: a whole number from 1 to 200"])]
    fields: (
        Annotated[
            dict[str, str],
            msgspec.Meta(description="What is wrong, by field.", examples=[{"limit": "a whole number from 1 to 200"}]),
        ]
        | msgspec.UnsetType
    ) = msgspec.UNSET


class Refusal(msgspec.Struct, frozen=True):
    """The body of every refusal."""

    success: Literal[False]
    error: Problem


KeyHeader = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=KEY_CHARACTERS,
        pattern="^[ -~]*$",
        extra={"words": f"1 to {KEY_CHARACTERS} characters of ASCII"},
    ),
]


@dataclass(frozen=True, slots=True)
class _Documented:
    """An operation at one of its addresses."""

    path: str
    method: str
    operation: Operation
    about: str


def openapi(routes: Map, views: Mapping[str, Callable[..., Any]]) -> dict[str, Any]:
    """Return the document of all marked handlers among `views` (by endpoint), at their addresses in `routes`."""
    found = sorted(_documented(routes, views), key=lambda one: (one.path, _METHODS.index(one.method)))
    shapes = Shapes(_taken(found), _given(found))
    paths: dict[str, dict[str, Any]] = {}
    for one in found:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, shapes)
    return {
        "openapi": "3.1.0",
        "info": {"title": "En Vivo", "version": __version__, "description": _ABOUT},
        "tags": [{"name": name} for name in sorted({one.operation.tag for one in found})],
        # Any one of these is enough; in open mode none is needed.
        "security": [{}, {"bearer": []}, {"query": []}, {"cookie": []}],
        "paths": paths,
        "components": {
            "schemas": shapes.components,
            "responses": {f"Refused{status}": _refusal(said, shapes) for status, said in _REFUSALS.items()},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "query": {"type": "apiKey", "in": "query", "name": "token"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": "envivo_token"},
            },
        },
    }


def _documented(routes: Map, views: Mapping[str, Callable[..., Any]]) -> Iterable[_Documented]:
    for rule in routes.iter_rules():
        view = views.get(rule.endpoint)
        path = _PLACE.sub(r"{\1}", rule.rule)
        about, operation = STREAMS.get(path) or (_dedented(view.__doc__ or ""), operation_of(view))
        if operation is None or getattr(rule, "websocket", False):
            continue
        for method in sorted((rule.methods or set()) & set(_METHODS)):
            yield _Documented(path, method, operation, about)


def _dedented(text: str) -> str:
    first, _, rest = text.strip().partition("\n")
    return "\n".join([first, *(line.strip() for line in rest.splitlines())])


def _taken(found: Iterable[_Documented]) -> Iterable[Any]:
    yield from (KeyHeader, str)
    for one in (documented.operation for documented in found):
        yield from (shape for shape in (one.body, one.query, one.headers) if shape is not None)
        yield from (shape for _, shape in one.path)


def _given(found: Iterable[_Documented]) -> Iterable[Any]:
    yield Refusal
    for one in (documented.operation for documented in found):
        yield from (one.answer, *(shape for _, shape in one.beside + one.perhaps))


def _operation(one: _Documented, shapes: Shapes) -> dict[str, Any]:
    operation = one.operation
    summary, _, rest = one.about.partition("\n\n")
    described: dict[str, Any] = {
        "operationId": re.sub(r"[^a-z0-9]+", "_", f"{one.method} {one.path}".lower()).strip("_"),
        "tags": [operation.tag],
        "summary": _first_clause(summary),
        "description": one.about,
        "parameters": _parameters(one, shapes),
        "responses": _responses(one, shapes),
    }
    if operation.body is not None:
        schema = shapes.schema(operation.body)
        content = {operation.body_type: {"schema": schema, "example": shapes.example(schema)}}
        described["requestBody"] = {"required": True, "content": content}
    return described | ({} if rest else {"description": summary})


def _first_clause(text: str) -> str:
    """Return the first clause of `text`, which stands beside the address in a list."""
    return re.split(r"[.:;]\s", text.replace("\n", " ") + " ")[0].replace("`", "").strip()


def _parameters(one: _Documented, shapes: Shapes) -> list[dict[str, Any]]:
    operation = one.operation
    places = dict(operation.path)
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": shapes.schema(places.get(name, str))}
        for name in re.findall(r"{(\w+)}", one.path)
    ]
    for where, shape in (("query", operation.query), ("header", operation.headers)):
        if shape is not None:
            members, required = shapes.members(shape)
            parameters += [_parameter(name, where, member, name in required) for name, member in members.items()]
    if one.method == "POST" and operation.body_type == JSON and operation.headers is None:
        said = "Your own name for what you ask: with the same one it is done once."
        key = {"name": "Idempotency-Key", "in": "header", "required": False, "description": said}
        parameters.append({**key, "schema": shapes.schema(KeyHeader)})
    return parameters


def _parameter(name: str, where: str, member: Schema, required: bool) -> dict[str, Any]:
    schema = {key: value for key, value in member.items() if key != "description"}
    if "anyOf" in schema:  # None stands for a parameter that is not given, and cannot be written in an address
        [given] = [choice for choice in schema.pop("anyOf") if choice != {"type": "null"}] or [{}]
        schema = {**given, **schema}
    if schema.get("default", 0) is None:
        del schema["default"]
    said = {"description": member["description"]} if "description" in member else {}
    return {"name": name, "in": where, "required": required, **said, "schema": schema}


def _responses(one: _Documented, shapes: Shapes) -> dict[str, Any]:
    operation = one.operation
    with_body = _WITH_BODY if one.method not in {"GET", "DELETE"} else ()
    refused = sorted({*_EVERYWHERE, *with_body, *operation.refusals} - {operation.status, *operation.also})
    answers = {str(status): _answer(operation, status, shapes) for status in (operation.status, *operation.also)}
    if operation.body_type != JSON:  # a form of a page, which is answered with a page or with JSON, by `Accept`
        return answers | {str(status): {"description": _REFUSALS[status]} for status in refused}
    return answers | {str(status): {"$ref": f"#/components/responses/Refused{status}"} for status in refused}


def _answer(operation: Operation, status: int, shapes: Shapes) -> dict[str, Any]:
    said = {"description": HTTPStatus(status).phrase}
    if not operation.answer_type:
        return said
    schema = shapes.schema(operation.answer)
    if not operation.bare:
        members = {name: shapes.schema(shape) for name, shape in operation.beside + operation.perhaps}
        schema = {
            "type": "object",
            "properties": {"success": {"const": True}, "data": schema, **members},
            "required": ["success", "data", *(name for name, _ in operation.beside)],
        }
    return {**said, "content": {operation.answer_type: {"schema": schema}}}


def _refusal(said: str, shapes: Shapes) -> dict[str, Any]:
    return {"description": said, "content": {JSON: {"schema": shapes.schema(Refusal)}}}
