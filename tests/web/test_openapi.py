"""The OpenAPI document is valid, is about what is served, and its examples are what it says."""

import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from msgspec import inspect
from openapi_spec_validator import OpenAPIV31SpecValidator
from quart.typing import TestClientProtocol as Client

from quart_app.app import create_app
from quart_app.config import load_settings
from quart_app.web.operations import operation_of
from quart_app.web.reference.openapi import openapi


@pytest.fixture(scope="module")
def served() -> dict[str, set[str]]:
    """The methods by path, `{places}` in it, of everything that answers in HTTP and is no page."""
    found: dict[str, set[str]] = {}
    for rule in create_app(load_settings()).url_map.iter_rules():
        if not getattr(rule, "websocket", False):
            path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
            found.setdefault(path, set()).update((rule.methods or set()) - {"HEAD", "OPTIONS"})
    return found


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    app = create_app(load_settings())
    return openapi(app.url_map, app.view_functions)


def test_it_is_openapi_3_1(document: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(document).validate()


def test_every_route_of_the_api_is_in_it(document: dict[str, Any], served: dict[str, set[str]]) -> None:
    told = {(path, method.upper()) for path, methods in document["paths"].items() for method in methods}
    ours = re.compile(r"/(api|alerts|poll|sse|send|health|ws/stats|websocket|metrics|session|language)(/|$)")
    there = {(path, method) for path, methods in served.items() for method in methods if ours.match(path)}
    assert sorted(there - told) == []


def test_every_operation_in_it_is_served(document: dict[str, Any], served: dict[str, set[str]]) -> None:
    for path, methods in document["paths"].items():
        assert {method.upper() for method in methods} <= served[path], path


def test_every_operation_says_what_it_is_for_and_has_a_name_of_its_own(document: dict[str, Any]) -> None:
    operations = [one for methods in document["paths"].values() for one in methods.values()]
    names = [one["operationId"] for one in operations]
    assert len(set(names)) == len(names)
    assert [one["operationId"] for one in operations if not one["summary"] or not one["description"]] == []


def test_what_an_operation_is_for_has_its_articles_right(document: dict[str, Any]) -> None:
    said = [one["description"] for methods in document["paths"].values() for one in methods.values()]
    assert [text for text in said if re.search(r"\ba [aeio]|\ban [^aeiouh`]", text)] == []


async def test_an_answer_ends_its_line(client: Client) -> None:
    for path in ("/api/rooms", "/api/rooms/x/messages", "/openapi.json"):
        assert (await (await client.get(path)).get_data(as_text=True)).endswith("\n"), path


def test_every_example_of_a_body_is_one(document: dict[str, Any]) -> None:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            for media in operation.get("requestBody", {}).get("content", {}).values():
                schema = {**media["schema"], "components": document["components"]}
                fault = jsonschema_rs.Draft202012Validator(schema).iter_errors(media["example"])
                assert [one.message for one in fault] == [], f"{method} {path}"


def test_every_pattern_of_what_is_taken_is_told_in_words_too() -> None:
    app = create_app(load_settings())
    operations = [one for view in app.view_functions.values() if (one := operation_of(view))]
    taken = [shape for one in operations for shape in (one.body, one.query, *dict(one.path).values()) if shape]
    taken += [shape for topic in app.topic_shapes for one in topic.receives for shape in one.fields.values()]
    described = inspect.multi_type_info(taken)
    assert any(_patterns(one) for one in described)
    wordless = [pattern for one in described for pattern, words in _patterns(one) if not words]
    assert wordless == []


def _patterns(part: Any, words: str | None = None) -> list[tuple[str, str | None]]:
    """Return the patterns in a described shape, each with its words."""

    def inner() -> Iterator[tuple[str, str | None]]:
        if isinstance(part, inspect.StrType) and part.pattern:
            yield part.pattern, words
        elif isinstance(part, tuple):
            for one in part:
                yield from _patterns(one)
        elif isinstance(part, (inspect.Type, inspect.Field)):
            own = (getattr(part, "extra", None) or {}).get("words")
            for name in part.__struct_fields__:
                yield from _patterns(getattr(part, name), own)

    return list(inner())


def test_refusals_are_told_with_their_shape(document: dict[str, Any]) -> None:
    operation = document["paths"]["/api/rooms"]["post"]
    assert set(operation["responses"]) >= {"201", "400", "401", "403", "409", "413", "415", "429", "503"}
    refusal = document["components"]["responses"]["Refused409"]["content"]["application/json"]["schema"]
    schema = {**refusal, "components": document["components"]}
    validator = jsonschema_rs.Draft202012Validator(schema)
    assert validator.is_valid({"success": False, "error": {"code": "name_taken", "message": "taken"}})
    assert not validator.is_valid({"success": False, "error": "taken"})
