"""The messages that every topic has, whatever it is about: their types, and the names of their fields.

The types of the values are the engine's to describe (`realtime.contract`).
"""

from dataclasses import dataclass
from enum import StrEnum


class Control(StrEnum):
    """The types of control messages; those of the older clients' dialect are in capitals."""

    CONNECTED = "connected"
    HEARTBEAT = "heartbeat"
    RESET = "reset"
    GAP = "gap"
    BYE = "bye"
    ERROR = "error"
    PONG = "pong"
    LOUD_PONG = "PONG"
    ACK = "ack"
    PUBLISHED = "published"
    UNSUBSCRIBED = "unsubscribed"
    PING = "ping"
    LOUD_PING = "PING"
    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"


@dataclass(frozen=True, slots=True)
class ControlShape:
    """The shape of one control message of the server: `fields` are its fields at top level, `data` those inside its
    `data`."""

    type: Control
    fields: tuple[str, ...] = ()
    data: tuple[str, ...] = ()


CONTROLS = (
    ControlShape(Control.CONNECTED),
    ControlShape(Control.HEARTBEAT, ("id",)),
    ControlShape(Control.RESET, ("id",), ("reason",)),
    ControlShape(Control.GAP, ("topic",), ("dropped",)),
    ControlShape(Control.BYE, (), ("reason", "retry_after")),
    ControlShape(Control.ERROR, (), ("message", "code")),
    ControlShape(Control.PONG),
    ControlShape(Control.LOUD_PONG),
    ControlShape(Control.ACK),
    ControlShape(Control.PUBLISHED, ("topic", "id")),
    ControlShape(Control.UNSUBSCRIBED, ("topic",)),
)
"""The control messages that a server may send on any connection."""

SERVER_TYPES = frozenset(shape.type.value for shape in CONTROLS)
"""The types that a client obeys or counts, whoever sent them; so nobody may publish messages of these types."""

CLIENT_TYPES = frozenset(
    one.value for one in (Control.PING, Control.LOUD_PING, Control.SUBSCRIBE, Control.UNSUBSCRIBE, Control.BYE)
)
"""The types that a client may send on any connection; all others are for the topic's channel."""
