"""Every interval, limit and size of the client, with units, in one place, which knows nothing of how they are used.

What the browser client has too stands there by the same name (`static/js/envivo/limits.js`).
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field

from quart_app.client.status import Status
from quart_app.surroundings import REAL, Surroundings
from quart_app.wire.sizes import POLL_WAIT

TRANSPORTS = ("ws", "sse", "poll")

MAX_STEP = 16
"""The number of steps after which an interval that doubles goes on unchanged."""
SLACK_SHARE = 0.25
"""The part of one heartbeat that is allowed for the way and for the sender's own lateness."""
SLACK_MAX = 5.0
"""The most seconds that are allowed for the way and for the sender's own lateness."""
MAX_TOLD = 5000
"""The number of signals remembered while one connection replaces another; older ones are forgotten."""
MAX_HELD = 1000
"""The most messages that are held for a connection that has not yet taken over."""
MAX_WHY = 20
"""The number of attempts that `Status.why` tells."""
MAX_PINGS = 8
"""The number of unanswered pings remembered; older ones are forgotten."""
MAX_FAILED_REQUESTS = 5
"""The number of requests failing in a row, beside a stream that seems well, after which the connection is given up."""
MAX_MESSAGE = 16 * 1024 * 1024
"""The most bytes of one message of the server, or characters of one event."""
KEY_BYTES = 12
REPEATED_AFTER = 1.0
"""The seconds to wait before a message is sent again, where the server names no time."""
CONNECT_TIMEOUT = 5.0
GOODBYE_TIMEOUT = 2.0
"""The seconds that one connection gets to say goodbye."""
PATIENCE_AT_CLOSE = 3.0
"""The seconds that all open connections get to say goodbye."""


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a client: times in seconds, sizes in messages. The defaults suit the open internet; tests make
    them short."""

    ws_open: float = 3.0
    """The time that a rung has for its first message."""
    sse_open: float = 4.0
    poll_open: float = 10.0
    early_death: float = 5.0
    """An open connection that ends sooner than this died early."""
    early_deaths: int = 3
    """So many early deaths in a row demote the rung."""
    steady: float = 60.0
    """A rung that lives this long is trusted again: its hysteresis starts anew."""
    probe_first: float = 5.0
    """A better rung is tried again after one to two times this time."""
    probe_max: float = 300.0
    overlap: float = 0.5
    """The time that a connection goes on beside the one that replaces it, for the signals that are on their way."""
    backoff_base: float = 0.5
    backoff_cap: float = 30.0
    missed_heartbeats: int = 2
    ping: float = 15.0
    """The interval of the round-trip measurement."""
    poll_wait: float = POLL_WAIT
    poll_pause: float = 0.5
    """The rest after an empty answer that came sooner than this."""
    request: float = 10.0
    """The time that a request may take beyond the time that the server was asked to wait."""
    repeat: float = 60.0
    """The time for which a message is repeated that the server fails at by its own fault."""
    inbox: int = 1000
    """The messages kept for a slow consumer; at so many reading stops, and the server sees back-pressure."""
    inbox_while_sending: int = 20_000
    """The messages kept while an acknowledgement is awaited, which comes behind them."""
    outbox: int = 1000
    in_flight: int = 64
    tls: ssl.SSLContext | None = None
    """The TLS context for https and wss; None verifies against the system's authorities."""
    on_status: Callable[[Status], None] | None = field(default=None, repr=False)
    """The function that is called with the new status after every change."""
    surroundings: Surroundings = field(default=REAL, repr=False)
    """The source of time, chance and ids."""

    def open_within(self, transport: str) -> float:
        """Return the seconds within which a rung must bring its first message."""
        return {"ws": self.ws_open, "sse": self.sse_open, "poll": self.poll_open}[transport]
