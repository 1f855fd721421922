"""The delays that a server may ask for, by `Retry-After` of HTTP and by `retry_after` of messages.

This module reads no clock: the time is passed in.
"""

from email.utils import parsedate_to_datetime

LONGEST_RETRY_AFTER = 3600.0
"""The longest delay in seconds; a longer one (asked for by the server or by something in between) is cut to it."""


def retry_after(header: str | None, now: float) -> float | None:
    """Return how many seconds a Retry-After header (RFC 9110 section 10.2.3) asks a client to stay away at `now`.

    The header holds whole seconds or an HTTP date; `now` is in seconds since the Unix epoch. Return None
    without a header, and where it holds anything else.
    """
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return bounded_delay(text)
    try:
        return bounded_delay(max(0.0, parsedate_to_datetime(text).timestamp() - now))
    except (ValueError, OverflowError):
        return None


def bounded_delay(value: object, unit: float = 1.0) -> float | None:
    """Return `value` (a number, or its text) times `unit` in seconds within 0 and an hour; None if it is no number."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        seconds = float(value) * unit
    except (ValueError, OverflowError):
        return None
    # `not >=` is also true of NaN.
    if not seconds >= 0:
        return None
    return min(seconds, LONGEST_RETRY_AFTER)
