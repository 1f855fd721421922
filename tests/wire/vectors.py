"""Makes `vectors.json`: what the kernel of the wire says, and what the Python client's ladder and hand-overs do.

`python -m tests.wire.vectors` writes it anew. `test_vectors.py` reads it, and `tests/js/wire.test.mjs`, which holds the
browser's client to it.
"""

import json
from pathlib import Path
from typing import Any

from quart_app.wire import (
    CLIENT_TYPES,
    CONTROLS,
    TOPIC_NAME_RULE,
    Close,
    Cursor,
    is_topic_name,
    meaning_of_close,
    meaning_of_status,
    retry_after,
    sizes,
)
from tests.wire import handovers, ladders

PATH = Path(__file__).with_name("vectors.json")

CURSORS = (
    "k3f9-0", "k3f9-1042", "k3f9-1042.9a0b", "k3f9-1042.9a0b.0.ff.10", "a-00000000000000001", "0-0",
    "a-999999999999999999",
    "a" * 32 + "-1", "a-1." + "r" * 16, "a-1.r" + ".1" * 100,
    "", "0", "-", "a-", "-1", "a-b", "a--1", "a-+1", "a-1.", "a-1.r.", "a-1.r.g", "a-1.r..1", "a-1.r.-1", "A-1", "a-1 ",
    " a-1", "a-1\n", "a-1\0", "ñ-1", "a-١", "a_b-1", "a-1e3", "a-0x1", "a-1_000", "a" * 33 + "-1", "a-" + "1" * 19,
    "a-1." + "r" * 17, "a-1.r." + "f" * 16, "a-1.r" + ".1" * 101,
)  # fmt: skip
TOPICS = (
    "a", "rooms/1", "user/123", "medical-history", "log/A.b_c-9", "a/b/c/d", "...", "-", "_", "a..b", "..a", "a/...",
    "a" * sizes.TOPIC_NAME_CHARACTERS,
    "", "/", "/a", "a/", "a//b", "a b", "a\n", "\na", "a\0", "ñ", "rooms/１", "a?b", "a*", "a%2f", "a\\b", "a,b",
    ".", "..", "log/..", "log/.", "../log", "./log", "a/../b", "a/./b", "a" * (sizes.TOPIC_NAME_CHARACTERS + 1),
    "a/" * 64 + "a",
)  # fmt: skip
CODES = (*sorted(Close), 1002, 1003, 1005, 1007, 1010, 1012, 1013, 1014, 1015, 3000, 4000, 4410, 4999)
STATUSES = (200, 204, 301, 400, 401, 402, 403, 404, 405, 407, 408, 409, 410, 413, 421, 429, 500, 502, 503, 504, 511)
NOW = 784111777.0
RETRY_AFTER = (
    "0", "2", " 120 ", "3600", "86400", "Sun, 06 Nov 1994 08:49:40 GMT", "Sun, 06 Nov 1994 08:49:30 GMT",
    "Mon, 06 Nov 2094 08:49:37 GMT", "", "soon", "-1", "1.5", "+1", "nan",
)  # fmt: skip


def made() -> dict[str, Any]:
    """Return what the file should hold."""
    return {
        "sizes": {name.lower(): value for name, value in vars(sizes).items() if name.isupper()},
        "cursors": [{"text": text, "cursor": _cursor(text)} for text in CURSORS],
        "topic_name_rule": TOPIC_NAME_RULE,
        "topics": [{"name": name, "valid": is_topic_name(name)} for name in TOPICS],
        "close_codes": {str(int(code)): meaning_of_close(code).value for code in CODES},
        "statuses": {str(status): _status(status) for status in STATUSES},
        "retry_after": {
            "now": NOW,
            "headers": [{"header": header, "seconds": retry_after(header, NOW)} for header in RETRY_AFTER],
        },
        "control": {
            "client": sorted(CLIENT_TYPES),
            "server": {shape.type.value: {"fields": shape.fields, "data": shape.data} for shape in CONTROLS},
        },
        "ladder": ladders.made(),
        "handovers": handovers.made(),
    }


def text() -> str:
    """Return the file's text."""
    parts = [f"{json.dumps(name)}: {json.dumps(part)}" for name, part in made().items()]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _cursor(text: str) -> dict[str, Any] | None:
    try:
        cursor = Cursor.parse(text)
    except ValueError:
        return None
    return {"epoch": cursor.epoch, "position": str(cursor.position), "plain": str(cursor.plain)}


def _status(status: int) -> dict[str, Any]:
    return {
        "close_code": int(Close.for_status(status)),
        "ours": meaning_of_status(status, ours=True).value,
        "theirs": meaning_of_status(status, ours=False).value,
    }


if __name__ == "__main__":
    PATH.write_text(text(), "utf-8")
