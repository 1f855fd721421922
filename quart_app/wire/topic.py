"""The grammar of topic names."""

import re

from quart_app.wire.sizes import TOPIC_NAME_CHARACTERS

_SEGMENT = r"(?!\.{1,2}(?:/|\Z))[A-Za-z0-9_.\-]+"  # . and .. get lost in addresses (RFC 3986 section 5.2.4)
_NAME = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT})*")

TOPIC_NAME_RULE = f"segments of A-Z a-z 0-9 _ . - (not . or ..) joined by /, at most {TOPIC_NAME_CHARACTERS} characters"
"""The rule in words, for people who gave an invalid name."""


def is_topic_name(name: str) -> bool:
    """Return whether `name` follows TOPIC_NAME_RULE."""
    return len(name) <= TOPIC_NAME_CHARACTERS and _NAME.fullmatch(name) is not None
