"""What a user of the client can see of its connection. Values only; the supervisor makes them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """Where the client stands; `waiting` has the time of the next try, `closed` may have a code."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    WAITING = "waiting"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One thing that happened: the transport, what came of it, what was seen, the seconds it took (or had lasted)."""

    transport: str
    outcome: str
    """`opened`, or the kind of ending: stop, later, failed (no first message came), dropped (it broke later), stalled,
    unreachable, untrusted."""
    seen: str
    took: float


@dataclass(frozen=True, slots=True)
class Status:
    """A moment of the connection.

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
