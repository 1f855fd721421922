"""The JSON of one message, both ways, and the fields that every message may have. This module is pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

Message = dict[str, Any]

_decoder = msgspec.json.Decoder(Message)
_encoder = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class ServerError:
    """The error that our server gives in the place of an answer: `{"success": false, "error": {code, message}}`."""

    code: str
    message: str


class NotAMessage(ValueError):
    """The error of a text that is not a JSON object."""


def decode(text: str | bytes) -> Message:
    """Return the message in `text` (UTF-8 JSON); raise NotAMessage."""
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotAMessage(str(error)) from error


def encode(message: Message) -> bytes:
    """Return the message as UTF-8 JSON; raise TypeError for what JSON cannot hold."""
    return _encoder.encode(message)


def text_field(message: Message, name: str) -> str | None:
    """Return the field `name` if it is there and a string, else None."""
    value = message.get(name)
    return value if isinstance(value, str) else None


def is_welcome(message: Message) -> bool:
    """Return whether `message` opens a connection: no other message carries a connection id (wire, section 1)."""
    return "connection_id" in message


def error_text(message: Message) -> str:
    """Return the explanation in an `error` message."""
    return str(details(message).get("message") or "error")


def details(message: Message) -> dict[str, Any]:
    """Return the `data` of a message where it is an object, else an empty one."""
    data = message.get("data")
    return data if isinstance(data, dict) else {}


def server_error(body: bytes | bytearray | None) -> ServerError | None:
    """Return the error that our server's answer holds; None where the body is somebody else's."""
    try:
        answer = decode(bytes(body or b""))
    except NotAMessage:
        return None
    error = answer.get("error")
    if answer.get("success") is not False or not isinstance(error, dict) or not error.get("code"):
        return None
    code = str(error["code"])
    return ServerError(code, str(error.get("message") or code))
