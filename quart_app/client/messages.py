"""The JSON of one message, both ways, and the fields that every message may have. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

Message = dict[str, Any]

_decoder = msgspec.json.Decoder(Message)
_encoder = msgspec.json.Encoder()


class NotAMessage(ValueError):
    """What came is not a JSON object."""


def decode(text: str | bytes) -> Message:
    """Returns the message in `text` (UTF-8 JSON); raises NotAMessage."""
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotAMessage(str(error)) from error


def encode(message: Message) -> bytes:
    """Returns the message as UTF-8 JSON; raises TypeError for what JSON cannot hold."""
    return _encoder.encode(message)


def text_field(message: Message, name: str) -> str | None:
    """Returns the field if it is there and a string."""
    value = message.get(name)
    return value if isinstance(value, str) else None


def is_welcome(message: Message) -> bool:
    """Whether this opens a connection: nothing else carries a connection id (wire, section 1)."""
    return "connection_id" in message


def error_text(message: Message) -> str:
    """Returns the explanation in an `error` message."""
    data = message.get("data")
    if isinstance(data, dict) and data.get("message"):
        return str(data["message"])
    return "error"
