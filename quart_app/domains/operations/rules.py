"""The arithmetic that turns counts into what people read (rates and percentiles), and the rule of who may read it.

The functions are pure: no clock, no engine.
"""

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Final

from quart_app.domains.operations.events import Spread
from quart_app.realtime import Identity, Refused
from quart_app.wire import TOPIC_PATTERN_RULE, is_topic_pattern

LOOK_INTERVAL: Final = 1.0  # s between looks while somebody watches
STALE: Final = 5.0  # s after which two looks tell no rate of the moment any more
SAMPLES_KEPT: Final = 180  # looks that a newcomer gets at once

CONNECTIONS_DEFAULT: Final = 50
CONNECTIONS_LIMIT: Final = 200  # connections in one answer
CHANNELS_LIMIT: Final = 1_000  # channels in the status
QUERY_CHARACTERS: Final = 128
NAME_CHARACTERS: Final = 64  # of a user, as in tokens

DOOR_HOST: Final = "an IP address of this machine, or localhost"


def per_second(before: Mapping[str, int], after: Mapping[str, int], seconds: float) -> dict[str, float]:
    """Return the rate (per second) of each count in `after`, by its name."""
    return {name: rate(before.get(name, 0), count, seconds) for name, count in after.items()}


def rate(before: float, after: float, seconds: float) -> float:
    """Return the rate of a count, never below 0: a count may be read while it moves from one place to another."""
    return round(max(0.0, after - before) / seconds, 2) if seconds > 0 else 0.0


def spread(bounds: Sequence[float], before: Sequence[int], after: Sequence[int]) -> Spread:
    """Return the percentiles, in ms, of what was counted between two readings of a histogram of seconds."""
    counts = [late - early for early, late in zip(before, after, strict=True)]
    return Spread(_milliseconds(bounds, counts, 0.5), _milliseconds(bounds, counts, 0.95))


def _milliseconds(bounds: Sequence[float], counts: Sequence[int], share: float) -> float | None:
    seconds = quantile(bounds, counts, share)
    return None if seconds is None else round(seconds * 1000, 3)


def quantile(bounds: Sequence[float], counts: Sequence[int], share: float) -> float | None:
    """Return the value that `share` of the values do not exceed, None without values.

    Values are taken to be spread evenly inside their bucket; above the last bound that bound is all that is known.
    """
    wanted = share * sum(counts)
    if not wanted:
        return None
    below, low = 0, 0.0
    for bound, count in zip(bounds, counts, strict=False):
        if count and below + count >= wanted:
            return low + (bound - low) * (wanted - below) / count
        below, low = below + count, bound
    return bounds[-1]


def require_free_hand(identity: Identity) -> None:
    """Raise Refused for those who are no administrators, and for one who may not use all topics: by another door they
    might."""
    identity.require_admin()
    if identity.rights:
        raise Refused("forbidden", "your token, or the door that you came in by, is for some topics alone", status=403)


def door_host(text: str) -> str:
    """Return the address in `text`, at which a door may be opened. Raise ValueError for a name, which somebody else
    would have to be asked for."""
    host = text.strip().removeprefix("[").removesuffix("]")
    if host.lower() == "localhost":
        return "localhost"
    wrong = f"{DOOR_HOST}, such as 192.168.1.20"
    if "%" in host:  # an address of one link, which others of this machine may have too (RFC 4007)
        raise ValueError(wrong)
    try:
        return str(ipaddress.ip_address(host))
    except ValueError as error:
        raise ValueError(wrong) from error


def door_topics(topics: Sequence[str]) -> tuple[str, ...]:
    """Return `topics` where each is a name or a prefix. Raise ValueError."""
    if not all(map(is_topic_pattern, topics)):
        raise ValueError(TOPIC_PATTERN_RULE)
    return tuple(topics)


def user_text(text: str) -> str:
    """Return what a token says of a user. Raise ValueError."""
    if not (text.strip() and text.isprintable()):
        raise ValueError(f"1 to {NAME_CHARACTERS} characters, without control characters")
    return text.strip()
