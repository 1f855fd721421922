"""The signals that come by two connections while one replaces the other, each of which is told once. Pure.

Signals have no position. Both connections bring the same ones, in the same order and spelled alike (with the time, in
ms), so what the old one told since the new one was asked for is known again when the new one brings it.
"""

from __future__ import annotations

from quart_app.client.messages import Message, encode
from quart_app.client.options import MAX_TOLD
from quart_app.wire import SERVER_TYPES


class Overlap:
    """The signals of the old connection, with which those of the new one are compared."""

    def __init__(self) -> None:
        self._told: dict[int, int] = {}
        self._passed: set[tuple[object, object]] = set()
        self._welcomed: set[object] = set()
        self._forgot = False

    def tell(self, message: Message) -> None:
        """Note a message that the old connection brought."""
        if not is_signal(message):
            return
        mark = hash(encode(message))
        if len(self._told) >= MAX_TOLD:
            del self._told[next(iter(self._told))]
            self._forgot = True
        self._told[mark] = self._told.get(mark, 0) + 1

    def welcomed(self, topic: str) -> None:
        """Note that the new connection told the user how a topic stands: what it brings from now on is not in that, or
        may be told again without harm."""
        self._welcomed.add(topic)

    def told(self, message: Message) -> bool:
        """Return whether the old connection told this message of the new one, which is not taken by that."""
        return bool(self._told) and is_signal(message) and self._told.get(hash(encode(message)), 0) > 0

    def repeats(self, message: Message) -> bool:
        """Take a message that the new connection brought; return whether the old one told it, so that it is no news."""
        if not (self._told and is_signal(message)) or message["topic"] in self._welcomed:
            return False
        mark, sort = hash(encode(message)), (message.get("topic"), message.get("type"))
        if not self._told.get(mark):
            # This may be a state's earlier value, which the new connection replays: then the newer one, though told
            # before, has to follow it. Signals of a flood, of which some were forgotten, look the same and need no such
            # care.
            if not self._forgot:
                self._passed.add(sort)
            return False
        self._told[mark] -= 1
        return sort not in self._passed


def is_signal(message: Message) -> bool:
    """Return whether `message` is an event without a place in the log: a signal, or a state's value."""
    return "topic" in message and "id" not in message and "key" not in message and message["type"] not in SERVER_TYPES
