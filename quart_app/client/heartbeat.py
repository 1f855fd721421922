"""The deadline of silence, from the heartbeat that the welcome announces. Pure: the time is passed in."""

from __future__ import annotations

from quart_app.client.options import SLACK_MAX, SLACK_SHARE


class HeartbeatDeadline:
    """A deadline that counts silence only while somebody listens, so that a slow consumer does not make the server look
    dead."""

    def __init__(self, missed: int, quiet: float | None) -> None:
        """Allow `missed` heartbeats to stay away; `quiet` is the limit (s) of a transport that has none."""
        self._missed = missed
        self._limit = quiet
        self._follows_heartbeat = quiet is None
        self._since = 0.0

    def announced(self, heartbeat: object) -> None:
        """Take the interval (s) a welcome announces; nonsense is ignored."""
        if self._follows_heartbeat and isinstance(heartbeat, (int, float)) and heartbeat > 0:
            self._limit = heartbeat * self._missed + min(heartbeat * SLACK_SHARE, SLACK_MAX)

    def listening(self, now: float) -> None:
        """Note that listening begins, or that something was heard."""
        self._since = now

    def remaining(self, now: float) -> float | None:
        """Return the seconds of silence still allowed (0 when it is over), None where there is no limit."""
        if self._limit is None:
            return None
        return max(0.0, self._since + self._limit - now)
