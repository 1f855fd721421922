"""The values that show a user of the client its connection; the supervisor makes them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """The state of the client; a status that is `waiting` has the time of the next try, a `closed` one may have a
    code."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    WAITING = "waiting"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt: the transport, what came of it, what was seen, and the seconds that it took (or had lasted)."""

    transport: str
    outcome: str
    """`opened`, or the kind of ending: stop, later, failed (no first message came), dropped (it broke later), stalled,
    unreachable, untrusted."""
    seen: str
    took: float


@dataclass(frozen=True, slots=True)
class Status:
    """The status of the connection at one moment.

    `why` is what was tried, oldest first; `gaps` and `repeats` are of durable messages, `dropped` counts signals that
    were too fast for us; `rtt` is in milliseconds; `id` is the cursor; `retry_at` is Unix time in
    seconds while waiting; `code` is the close code the server stopped us with.
    """

    state: State
    transport: str | None
    why: tuple[Attempt, ...]
    rtt: float | None
    id: str | None
    gaps: int
    repeats: int
    dropped: int
    retry_at: float | None
    code: int | None
