"""The grammar of topic names."""

import re
from collections.abc import Iterable

from quart_app.wire.sizes import TOPIC_NAME_CHARACTERS

_SEGMENT = r"(?!\.{1,2}(?:/|\Z))[A-Za-z0-9_.\-]+"  # . and .. get lost in addresses (RFC 3986 section 5.2.4)
_NAME = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT})*")

TOPIC_NAME_RULE = f"segments of A-Z a-z 0-9 _ . - (not . or ..) joined by /, at most {TOPIC_NAME_CHARACTERS} characters"
"""The rule in words, for people who gave an invalid name."""
TOPIC_PATTERN_RULE = "topics such as rooms/1, prefixes such as log/class/*, or * for all"
"""What stands for topics, in words."""


def is_topic_name(name: str) -> bool:
    """Return whether `name` follows TOPIC_NAME_RULE."""
    return len(name) <= TOPIC_NAME_CHARACTERS and _NAME.fullmatch(name) is not None


def is_topic_pattern(pattern: object) -> bool:
    """Return whether `pattern` stands for topics: a name, a prefix followed by `/*`, or `*` for all."""
    return isinstance(pattern, str) and (pattern == "*" or is_topic_name(pattern.removesuffix("/*")))


def is_covered(topic: str, patterns: Iterable[str]) -> bool:
    """Return whether one of `patterns` stands for `topic`."""
    return any(
        pattern in ("*", topic) or (pattern.endswith("/*") and topic.startswith(pattern[:-1])) for pattern in patterns
    )


def is_open_topic(name: str) -> bool:
    """Return whether the topic `name` is one of those that everybody may make by using them."""
    return name.startswith(("live/", "log/", "state/"))
