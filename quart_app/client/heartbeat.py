"""When silence is too long: a deadline from the heartbeat the welcome announces. Pure: the time is passed in."""

from __future__ import annotations

SLACK_SHARE = 0.25
"""Part of one heartbeat allowed for the way and for the sender's own lateness."""
SLACK_MAX = 5.0
"""Seconds; no more than these are allowed for it."""


class HeartbeatDeadline:
    """Counts silence only while somebody listens: a consumer that is slow must not make the server look dead."""

    def __init__(self, missed: int, quiet: float | None) -> None:
        """`missed` heartbeats are allowed to stay away; `quiet` s is the limit of a transport that has none."""
        self._missed = missed
        self._limit = quiet
        self._follows_heartbeat = quiet is None
        self._since = 0.0

    def announced(self, heartbeat: object) -> None:
        """Take the interval (s) a welcome announces; nonsense is ignored."""
        if self._follows_heartbeat and isinstance(heartbeat, (int, float)) and heartbeat > 0:
            self._limit = heartbeat * self._missed + min(heartbeat * SLACK_SHARE, SLACK_MAX)

    def listening(self, now: float) -> None:
        """Listening begins, or something was heard."""
        self._since = now

    def remaining(self, now: float) -> float | None:
        """Return the seconds of silence still allowed (0 when it is over), None where there is no limit."""
        if self._limit is None:
            return None
        return max(0.0, self._since + self._limit - now)
