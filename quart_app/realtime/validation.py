"""From what clients send to what is meant: a wrong field is refused by its name. And how deep JSON may be."""

import re
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from quart_app.realtime import limits
from quart_app.realtime.refused import Refused

_FIELD = re.compile(r"`\$((?:\[\d+\]|\[\.\.\.\])?\.?\w*)|field `([^`]+)`")

Shape = TypeVar("Shape")
Value = TypeVar("Value")
Clean = TypeVar("Clean")


def too_deep(value: Any, levels: int = limits.JSON_DEPTH) -> bool:
    """Whether objects and arrays are nested in `value`, decoded JSON, over more than `levels` levels."""
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list):
        return False
    return levels == 0 or any(too_deep(inner, levels - 1) for inner in value)


def checked(body: Any, shape: type[Shape], *, code: str = "bad_request", strict: bool = True) -> Shape:
    """`body`, decoded JSON, as a `shape`; not `strict`: numbers and the like may be spelled in strings, as query
    parameters are. Raises Refused (`code`) that names the wrong field."""
    try:
        return msgspec.convert(body, shape, strict=strict)
    except msgspec.ValidationError as error:
        reason = str(error).partition(" - at ")[0]
        match = _FIELD.search(str(error))
        field = (match[1] or match[2] or "").lstrip(".") if match is not None else ""
        if not field:
            raise Refused(code, reason) from error
        raise Refused(code, f"{field}: {reason}", fields={field: reason}) from error


def cleaned(field: str, value: Value, clean: Callable[[Value], Clean], *, code: str = "bad_request") -> Clean:
    """What `clean` makes of a field's value. Raises Refused (`code`) with the reason of its ValueError."""
    try:
        return clean(value)
    except ValueError as error:
        raise Refused(code, f"{field}: {error}", fields={field: str(error)}) from error


def row_id(text: str) -> int | None:
    """The id that `text` spells in plain decimal, as it would be written; None for anything else."""
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(limits.LARGEST_ID))):
        return None
    number = int(text)
    return number if 0 < number <= limits.LARGEST_ID and text == str(number) else None
