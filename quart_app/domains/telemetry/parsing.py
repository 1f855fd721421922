"""The parsing of requests into what the telemetry's use cases take; a refusal names every field that is wrong.

This file knows neither the request nor the tables.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

from quart_app.domains.telemetry import rules
from quart_app.domains.telemetry.requests import DeviceReading, Several
from quart_app.domains.telemetry.rules import MEASURES
from quart_app.domains.telemetry.service import NewReading
from quart_app.realtime import Refused, checked, wrong_fields
from quart_app.realtime.limits import WRONG_FIELDS

_INVALID: Final = "invalid_reading"
_TIMESTAMP: Final = (
    f"a time, ISO 8601, {rules.READINGS_AGE // 86_400_000} days ago at most"
    f" and at most {rules.FUTURE // 60_000} minutes ahead"
)

Query = TypeVar("Query")


def readings(body: Any, at: int) -> list[NewReading]:
    """Return the readings in `body`, one or a list, that come in at `at` (ms since the Unix epoch). Raise Refused."""
    if isinstance(body, list):
        found, places = checked(body, Several, code=_INVALID), [f"[{index}]." for index in range(len(body))]
    elif isinstance(body, dict):
        found, places = [checked(body, DeviceReading, code=_INVALID)], [""]
    else:
        raise Refused("invalid_json", "a reading is a JSON object; several are a list of them")
    times = _times(found, places, at)
    return [
        NewReading(one.reservoir_id, {name: getattr(one, name) for name in MEASURES}, taken)
        for one, taken in zip(found, times, strict=True)
    ]


def _times(readings: Sequence[DeviceReading], places: Sequence[str], at: int) -> list[int | None]:
    """Return when each reading was taken, None where it does not say. Raise Refused."""
    wrong, times = {}, []
    for one, place in zip(readings, places, strict=True):
        try:
            times.append(None if one.timestamp is None else _taken_at(one.timestamp, at))
        except (ValueError, OverflowError):
            wrong[f"{place}timestamp"] = _TIMESTAMP
    if wrong:
        raise wrong_fields(dict(list(wrong.items())[:WRONG_FIELDS]), code=_INVALID)
    return times


def _taken_at(text: str, at: int) -> int:
    """Return the time that a device gives. Raise ValueError, OverflowError."""
    taken = rules.moment(text)
    if not at - rules.READINGS_AGE <= taken <= at + rules.FUTURE:
        raise ValueError(f"{text[:40]!r} is too old, or in the future")
    return taken


def query(args: Mapping[str, str], shape: type[Query]) -> Query:
    """Return the parameters of a query as a `shape`; an empty parameter counts as not given. Raise Refused."""
    return checked({name: text for name, text in args.items() if text}, shape, strict=False)


def optional_moment(text: str | None) -> int | None:
    """Return the time that the parameter `since` gives (ms since the Unix epoch). Raise Refused."""
    try:
        return None if text is None else rules.moment(text)
    except (ValueError, OverflowError) as error:
        wrong = "a time: ISO 8601, such as 2025-01-31T12:00:00Z, or ms since 1970"
        raise wrong_fields({"since": wrong}) from error
