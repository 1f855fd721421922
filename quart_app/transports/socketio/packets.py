"""Make Socket.IO packets of messages, and say which packets of a client are taken.

This module is pure. An event's name is the message's type and its argument the message's `data`; a client that speaks
of cursors gets `{id, timestamp, topic}` as a second one.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec
from engineio.packet import MESSAGE
from engineio.packet import Packet as EnginePacket
from socketio.packet import BINARY_ACK, BINARY_EVENT, EVENT, Packet

from quart_app.realtime import Batch, Message, encode
from quart_app.wire import Control

# The names that the libraries emit on their own, in either direction: an event of such a name would be mistaken for it.
_RESERVED: Final = frozenset(
    {"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"}
)


class TextPacket(Packet):  # type: ignore[misc]  # python-socketio has no types
    """A packet as a client may send it.

    Binary packets are refused, because the library would collect as many parts as are announced. So are events with
    reserved names, because the library would take them for its own.
    """

    def decode(self, encoded_packet: Any) -> int:
        """Take the packet apart; return how many binary parts it announces. Raise ValueError for what is refused."""
        attachments: int = super().decode(encoded_packet)
        if self.packet_type in {BINARY_EVENT, BINARY_ACK}:
            raise ValueError("binary packets are not taken")
        if self.packet_type == EVENT:
            name = self.data[0] if isinstance(self.data, list) and self.data else None
            if not isinstance(name, str) or name in _RESERVED:
                raise ValueError("not an event of a client")
        return attachments


class Packed(NamedTuple):
    """The packets of a batch, and their `size` in bytes."""

    packets: list[EnginePacket]
    size: int


class Packets:
    """A maker of packets; the packets of a batch that many clients share are made once."""

    def __init__(self) -> None:
        self._shared: dict[bool, tuple[Batch, Packed]] = {}

    def of(self, batch: Batch, *, cursors: bool) -> Packed:
        """Return the packets of `batch`, with the second argument where `cursors`."""
        if not batch.version:
            return _packets(batch.messages, cursors=cursors)
        known = self._shared.get(cursors)
        if known is None or known[0] is not batch:
            known = self._shared[cursors] = (batch, _packets(batch.messages, cursors=cursors))
        return known[1]


class _Told(msgspec.Struct):
    type: str
    timestamp: str
    topic: str | msgspec.UnsetType = msgspec.UNSET
    id: str | msgspec.UnsetType = msgspec.UNSET
    connection_id: str = ""
    data: msgspec.Raw = msgspec.Raw()


class _Place(msgspec.Struct):
    id: str | msgspec.UnsetType
    timestamp: str
    topic: str | msgspec.UnsetType


_decode = msgspec.json.Decoder(_Told).decode


def _packets(messages: Sequence[Message], *, cursors: bool) -> Packed:
    told = ((message, _decode(message.json)) for message in messages)
    # The client hears of its connection once, however many topics welcome it.
    events = [
        _event(message.json, head, cursors=cursors)
        for message, head in told
        if head.type != Control.CONNECTED or head.connection_id
    ]
    return Packed([EnginePacket(MESSAGE, event.decode()) for event in events], sum(map(len, events)) + len(events))


def _event(json: bytes, head: _Told, *, cursors: bool) -> bytes:
    """Return the text of an EVENT packet (Socket.IO protocol 5); a message without `data` is its argument itself."""
    reserved = head.type in _RESERVED
    name, payload = ("message", json) if reserved else (head.type, bytes(head.data) or json)
    place = b"," + encode(_Place(head.id, head.timestamp, head.topic)) if cursors else b""
    return b"%d[%b,%b%b]" % (EVENT, encode(name), payload, place)
