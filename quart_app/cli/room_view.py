"""A chat room as lines of text: what to print for each message, who is here, who is typing.

This module is pure. Everything that came from other people is stripped of control characters, which a terminal obeys.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

TYPING_SHOWN = 6.0
"""The seconds after the last sign of somebody's typing after which they count as not typing."""
MOST_SEEN_BY = 5


def printable(text: object) -> str:
    """Return the text without anything a terminal would act on; line breaks stay, indented."""
    lines = str(text).splitlines() or [""]
    return "\n    ".join("".join(c if c.isprintable() else "\ufffd" for c in line) for line in lines)


def clock_time(stamp: object) -> str:
    """Return the local HH:MM of an ISO 8601 time, or dashes."""
    try:
        return datetime.fromisoformat(str(stamp)).astimezone().strftime("%H:%M")
    except ValueError:
        return "--:--"


class RoomView:
    """What one participant has seen of a room. `me` is their user id, None where only the server knows it."""

    def __init__(self, me: str | None) -> None:
        self._me = me
        self._here: dict[str, str] = {}
        self._typing: dict[str, tuple[str, float]] = {}
        self._seen_by: dict[str, str] = {}
        self._welcomed = False
        self.shown = 0
        """The id of the newest message that was shown."""
        self.unread: int | None = None
        """The newest message of somebody else that was shown and not yet reported as read."""
        self._handlers: dict[str, Callable[[dict[str, Any], float], list[str]]] = {
            "connected": self._connected,
            "history": self._history,
            "message": self._message,
            "user_joined": self._joined,
            "user_left": self._left,
            "typing": self._is_typing,
            "read": self._read,
            "error": self._error,
            "reset": self._reset,
        }

    def take(self, message: dict[str, Any], now: float) -> list[str]:
        """Return the lines to print for a message; `now` is in seconds of any steady clock."""
        handler = self._handlers.get(str(message.get("type")))
        data = message.get("data")
        return handler(data, now) if handler is not None and isinstance(data, dict) else []

    def summary(self, now: float) -> str:
        """Return who is here, who is typing, who has read the newest message."""
        typing = [name for user, (name, until) in self._typing.items() if until > now and user in self._here]
        parts = [", ".join(self._here.values()) or "nobody here"]
        if typing:
            parts.append(f"{', '.join(typing)} typing…")
        if self._seen_by:
            parts.append(f"read by {', '.join(list(self._seen_by.values())[:MOST_SEEN_BY])}")
        return " · ".join(parts)

    def _connected(self, data: dict[str, Any], _now: float) -> list[str]:
        users = data.get("active_users")
        people = [user for user in users if isinstance(user, dict)] if isinstance(users, list) else []
        self._here = {_user(person): _name(person) for person in people}
        if self._welcomed:
            return []
        self._welcomed = True
        return [f"— room {printable(data.get('room_id'))}: {', '.join(self._here.values()) or 'nobody else yet'}"]

    def _history(self, data: dict[str, Any], now: float) -> list[str]:
        messages = data.get("messages")
        known = [message for message in messages if isinstance(message, dict)] if isinstance(messages, list) else []
        return [line for message in known for line in self._message(message, now)]

    def _message(self, data: dict[str, Any], _now: float) -> list[str]:
        id, user = data.get("id"), _user(data)
        # A history that comes a second time, after a reset, shows only what is new.
        if isinstance(id, int):
            if id <= self.shown:
                return []
            self.shown = id
            if user != self._me:
                self.unread = id
        self._typing.pop(user, None)
        self._seen_by.clear()
        return [f"{clock_time(data.get('created_at'))} {_name(data)}: {printable(data.get('content', ''))}"]

    def _joined(self, data: dict[str, Any], _now: float) -> list[str]:
        if _user(data) in self._here:
            return []
        self._here[_user(data)] = _name(data)
        return [f"→ {_name(data)} joined"]

    def _left(self, data: dict[str, Any], _now: float) -> list[str]:
        self._typing.pop(_user(data), None)
        return [f"← {_name(data)} left"] if self._here.pop(_user(data), None) is not None else []

    def _is_typing(self, data: dict[str, Any], now: float) -> list[str]:
        if data.get("is_typing"):
            self._typing[_user(data)] = (_name(data), now + TYPING_SHOWN)
        else:
            self._typing.pop(_user(data), None)
        return []

    def _read(self, data: dict[str, Any], _now: float) -> list[str]:
        if data.get("message_id") == self.shown and _user(data) != self._me:
            self._seen_by[_user(data)] = _name(data)
        return []

    def _error(self, data: dict[str, Any], _now: float) -> list[str]:
        return [f"! {printable(data.get('message', 'error'))}"]

    def _reset(self, _data: dict[str, Any], _now: float) -> list[str]:
        return ["— the server could not replay everything: some messages may be missing above"]


def _user(data: dict[str, Any]) -> str:
    return str(data.get("user_id"))


def _name(data: dict[str, Any]) -> str:
    return printable(data.get("username") or data.get("user_id"))
