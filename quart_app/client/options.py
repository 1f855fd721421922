"""Every interval, limit and size of the client, with units, in one place. Knows nothing of how they are used."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field

from quart_app.client.status import Status

TRANSPORTS = ("ws", "sse", "poll")


@dataclass(frozen=True, slots=True)
class Options:
    """Times in seconds, sizes in messages. The defaults suit the open internet; tests make them short."""

    ws_first_message: float = 3.0
    sse_first_message: float = 4.0
    poll_first_message: float = 10.0
    backoff_base: float = 1.0
    backoff_cap: float = 30.0
    early: float = 5.0
    """A connection that dies younger than this died early."""
    early_deaths: int = 3
    missed_heartbeats: int = 2
    upgrade_first: float = 20.0
    """How long to be content with a lower rung before a better one is tried again; doubles with every failure."""
    upgrade_max: float = 300.0
    settled: float = 60.0
    """A better rung that held this long has earned a quick next retry."""
    ping_interval: float = 15.0
    poll_wait: float = 25.0
    inbox: int = 1000
    """Messages kept for a slow consumer; then reading stops and the server sees back-pressure."""
    inbox_while_sending: int = 20_000
    """The same while an acknowledgement is awaited, which comes behind those messages."""
    outbox: int = 256
    in_flight: int = 64
    tls: ssl.SSLContext | None = None
    """For https and wss; None verifies against the system's authorities."""
    on_status: Callable[[Status], None] | None = field(default=None, repr=False)
    """Called with the new status after every change."""

    def first_message(self, transport: str) -> float:
        """Returns the seconds within which a rung must bring its first message."""
        return {"ws": self.ws_first_message, "sse": self.sse_first_message, "poll": self.poll_first_message}[transport]
