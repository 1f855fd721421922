"""The rules that both ends of the wire follow: cursors, topic names, close codes, control messages, sizes.

This package is pure: it uses the standard library only, and nothing of the rest of the program. The engine and the
Python client both stand on it, and the browser client is tested against the vectors that are made from it
(`tests/wire/vectors.json`).
"""

from quart_app.wire import sizes
from quart_app.wire.codes import Close, Meaning, meaning_of_close, meaning_of_status
from quart_app.wire.control import CLIENT_TYPES, CONTROLS, SERVER_TYPES, Control, ControlShape
from quart_app.wire.cursor import Cursor
from quart_app.wire.delay import LONGEST_RETRY_AFTER, bounded_delay, retry_after
from quart_app.wire.topic import (
    TOPIC_NAME_RULE,
    TOPIC_PATTERN_RULE,
    is_covered,
    is_open_topic,
    is_topic_name,
    is_topic_pattern,
)

__all__ = [
    "CLIENT_TYPES",
    "CONTROLS",
    "LONGEST_RETRY_AFTER",
    "SERVER_TYPES",
    "TOPIC_NAME_RULE",
    "TOPIC_PATTERN_RULE",
    "Close",
    "Control",
    "ControlShape",
    "Cursor",
    "Meaning",
    "bounded_delay",
    "is_covered",
    "is_open_topic",
    "is_topic_name",
    "is_topic_pattern",
    "meaning_of_close",
    "meaning_of_status",
    "retry_after",
    "sizes",
]
