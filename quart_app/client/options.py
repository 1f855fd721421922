"""Every interval, limit and size of the client, with units, in one place, which knows nothing of how they are used."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field

from quart_app.client.status import Status
from quart_app.surroundings import REAL, Surroundings
from quart_app.wire.sizes import POLL_WAIT

TRANSPORTS = ("ws", "sse", "poll")


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a client: times in seconds, sizes in messages. The defaults suit the open internet; tests make
    them short.

    The names and the defaults of the ladder are the browser client's, too (`static/js/envivo/limits.js`).
    """

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
