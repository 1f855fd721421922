"""The tables of the guide that are made of the program itself: its REST operations and its limits."""

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

from quart_app.realtime import limits
from quart_app.web.i18n import catalogue, local_number

_SUMMARIES: Final = Path(__file__).with_name("operations.toml")
_HEADS: Final = {"en": ("Request", "What it does", "Takes"), "es": ("Petición", "Qué hace", "Recibe")}
_LIMIT_HEADS: Final = {"en": ("What", "Limit"), "es": ("Qué", "Límite")}
_TAG: Final = "guide.tag_"
_LIMIT: Final = "guide.limit_"
_LARGER: Final = {"KiB": (1024, "KiB"), "MiB": (1024 * 1024, "MiB"), "d": (24 * 3600, "d")}


@cache
def _spanish() -> Mapping[str, str]:
    """Return the summaries in Spanish, by method and path; the documents of the program have them in English."""
    return tomllib.loads(_SUMMARIES.read_text("utf-8"))


def operations(document: Mapping[str, Any], language: str, tag: str) -> str:
    """Return in Markdown the operations of an OpenAPI `document` that have `tag`; without one all, by their tags."""
    if tag:
        return _operations_of(document, language, tag)
    tags = [entry["name"] for entry in document["tags"]]
    named = sorted((_named(tag, language), tag) for tag in tags)
    return "\n\n".join(f"### {name}\n\n{_operations_of(document, language, tag)}" for name, tag in named)


def _named(tag: str, language: str) -> str:
    """Return what a page calls the part of the program that has `tag`; a domain of one's own goes by its tag."""
    texts = catalogue().get(f"{_TAG}{tag}")
    return texts[language] if texts else tag.capitalize()


def _operations_of(document: Mapping[str, Any], language: str, tag: str) -> str:
    rows = [
        (f"`{method.upper()}` `{path}`", _summary(language, method, path, said), _taken(document, said))
        for path, methods in document["paths"].items()
        for method, said in methods.items()
        if tag in said["tags"]
    ]
    return _markdown(_HEADS[language], rows)


def _summary(language: str, method: str, path: str, operation: Mapping[str, Any]) -> str:
    english: str = operation["summary"]
    return _spanish().get(f"{method.upper()} {path}", english) if language == "es" else english


def _taken(document: Mapping[str, Any], operation: Mapping[str, Any]) -> str:
    query = [one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"]
    headers = [one["name"] for one in operation.get("parameters", ()) if one["in"] == "header"]
    content = operation.get("requestBody", {}).get("content", {})
    body = [member for media in content.values() for member in _members(document, media["schema"])]
    said = [
        "`?" + "=&".join(query) + "=`" if query else "",
        "`{" + ", ".join(body) + "}`" if body else "",
        ", ".join(f"`{name}`" for name in headers if name != "Idempotency-Key"),
    ]
    return " · ".join(part for part in said if part)


def _members(document: Mapping[str, Any], schema: Mapping[str, Any]) -> list[str]:
    """Return the fields of an object, or of a list's items; a field that may be left out has a question mark."""
    if "$ref" in schema:
        return _members(document, document["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    for choice in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        if found := _members(document, choice):
            return found
    if "items" in schema:
        return _members(document, schema["items"])
    required = schema.get("required", ())
    return [name if name in required else f"{name}?" for name in schema.get("properties", {})]


def limit_table(language: str) -> str:
    """Return the limits that a client or an operator may meet, in Markdown."""
    rows = [
        (said, _shown(key, unit, language))
        for key, texts in catalogue().items()
        if key.startswith(_LIMIT)
        for said, unit in [texts[language].split("|")]
    ]
    return _markdown(_LIMIT_HEADS[language], rows)


def _shown(key: str, unit: str, language: str) -> str:
    size, unit = _LARGER.get(unit, (1, unit))
    number = f"{getattr(limits, key.removeprefix(_LIMIT).upper()) / size:,.10g}"
    return f"{local_number(number, language)} {unit}".strip()


def _markdown(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
