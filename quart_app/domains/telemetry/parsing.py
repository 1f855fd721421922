"""From what a request holds to what the telemetry's use cases take; a refusal names every field that is wrong.

Knows neither the request nor the tables.
"""

from collections.abc import Mapping
from typing import Any, Final, TypeVar

import msgspec

from quart_app.domains.telemetry import rules
from quart_app.domains.telemetry.requests import DeviceReading
from quart_app.domains.telemetry.rules import MEASURES
from quart_app.domains.telemetry.service import NewReading
from quart_app.realtime import Refused, checked

_NAMED: Final = 10  # wrong fields in one refusal
_FIELDS: Final = {field.name: field for field in msgspec.structs.fields(DeviceReading)}
_RESERVOIR_ID: Final = f"1 to {rules.RESERVOIR_ID_CHARACTERS} letters, digits, - or _"
_ALLOWED: Final = {
    "reservoir_id": _RESERVOIR_ID,
    **{name: str(allowed) for name, allowed in MEASURES.items()},
    "timestamp": (
        f"a time, ISO 8601, {rules.READINGS_AGE // 86_400_000} days ago at most"
        f" and at most {rules.FUTURE // 60_000} minutes ahead"
    ),
}

Query = TypeVar("Query")


def readings(body: Any, at: int) -> list[NewReading]:
    """The readings in `body`, one or a list, that come in at `at` (ms since the Unix epoch). Raises Refused."""
    if not isinstance(body, (dict, list)):
        raise Refused("invalid_json", "a reading is a JSON object; several are a list of them")
    if isinstance(body, dict):
        wrong, found = _reading(body, "", at)
        taken = [found]
    else:
        if not 0 < len(body) <= rules.BATCH:
            raise Refused("invalid_reading", f"a list holds 1 to {rules.BATCH} readings")
        wrong, taken = {}, []
        for index, one in enumerate(body):
            of_this, found = _reading(one, f"[{index}]", at)
            wrong |= of_this
            taken.append(found)
    if wrong:
        named = dict(list(wrong.items())[:_NAMED])
        raise Refused("invalid_reading", "; ".join(f"{name}: {reason}" for name, reason in named.items()), fields=named)
    return [reading for reading in taken if reading is not None]


def _reading(body: Any, place: str, at: int) -> tuple[dict[str, str], NewReading | None]:
    """What is wrong with the fields of a reading at `place` in the request; and the reading where nothing is."""
    if not isinstance(body, dict):
        return {place: "a reading is a JSON object"}, None
    dot = "." if place else ""
    wrong = {f"{place}{dot}{name[:100]}": "not a field of a reading" for name in sorted(body.keys() - _FIELDS)[:_NAMED]}
    values: dict[str, Any] = {}
    for name, field in _FIELDS.items():
        try:
            values[name] = msgspec.convert(body.get(name), field.type)
            if name == "timestamp" and values[name] is not None:
                values[name] = _taken_at(values[name], at)
        except (ValueError, OverflowError):  # msgspec's ValidationError is a ValueError
            wrong[f"{place}{dot}{name}"] = _ALLOWED[name]
    if wrong:
        return wrong, None
    return {}, NewReading(values.pop("reservoir_id"), at=values.pop("timestamp"), measures=values)


def _taken_at(text: str, at: int) -> int:
    """The time that a device gives. Raises ValueError, OverflowError."""
    taken = rules.moment(text)
    if not at - rules.READINGS_AGE <= taken <= at + rules.FUTURE:
        raise ValueError(f"{text[:40]!r} is too old, or in the future")
    return taken


def query(args: Mapping[str, str], shape: type[Query]) -> Query:
    """The parameters of a query as a `shape`; an empty one is none. Raises Refused."""
    return checked({name: text for name, text in args.items() if text}, shape, strict=False)


def moment(text: str | None) -> int | None:
    """The time that the parameter `since` gives (ms since the Unix epoch). Raises Refused."""
    try:
        return None if text is None else rules.moment(text)
    except (ValueError, OverflowError) as error:
        wrong = "a time: ISO 8601, such as 2025-01-31T12:00:00Z, or ms since 1970"
        raise Refused("bad_request", f"since: {wrong}", fields={"since": wrong}) from error
