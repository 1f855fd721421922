"""Puts many stored events into our own database while no server runs on it, in the one way that takes seconds."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Final

_TOPICS: Final = 100
_FILL: Final = """
WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :events)
INSERT INTO event_log (position, topic, type, fields, at)
SELECT (SELECT coalesce(max(position), 0) FROM event_log) + n, 'log/filled-' || n % :topics, 'bench',
    '{"data":{"text":"filled#' || n || ';"}}', :now FROM numbers
"""


def fill_event_log(database: Path, events: int) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(_FILL, {"events": events, "topics": _TOPICS, "now": round(time.time() * 1_000)})
