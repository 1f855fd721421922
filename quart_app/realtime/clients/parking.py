"""Connections of long polls between two requests: each stays for as long as a dropped connection would linger."""

import asyncio
from collections.abc import Callable

from quart_app.realtime import limits
from quart_app.realtime.clients.connection import Connection


class EndedMeanwhile(Exception):
    """A connection has ended between two requests; `words` are the messages that its client has still to be sent."""

    def __init__(self, words: list[bytes]) -> None:
        super().__init__("the connection has ended")
        self.words = words


class Parking:
    """The keeper of connections that nobody reads. `closed(connection)` is called for one that is over."""

    def __init__(self, closed: Callable[[Connection], None]) -> None:
        self._closed = closed
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._of_payers: dict[str, dict[Connection, None]] = {}
        self._last_words: dict[str, list[bytes]] = {}
        self.draining = False

    def park(self, connection: Connection) -> None:
        """Keep a connection until its next request, unless it has ended."""
        if self.draining or not connection.alive:
            self._end(connection)
        else:
            loop = asyncio.get_running_loop()
            self._timers[connection.id] = loop.call_later(limits.LINGER, self._let_go, connection)
            if payer := connection.identity.payer:
                self._of_payers.setdefault(payer, {})[connection] = None

    def give_way(self, payer: str) -> bool:
        """End the connection of a user that was parked first; return whether there was one."""
        oldest = next(iter(self._of_payers.get(payer, ())), None)
        if oldest is not None:
            self._let_go(oldest)
        return oldest is not None

    def _let_go(self, connection: Connection) -> None:
        connection.lingered = True
        self._closed(connection)

    def release(self, connection: Connection) -> None:
        """Keep a connection no longer, because its next request has come or because it is over."""
        timer = self._timers.pop(connection.id, None)
        if timer is not None:
            timer.cancel()
        payer = connection.identity.payer
        if payer and (parked := self._of_payers.get(payer)):
            parked.pop(connection, None)
            if not parked:
                del self._of_payers[payer]

    def ended(self, connection: Connection) -> None:
        """Close a connection that has ended while it was parked, as there is nobody else who would."""
        if connection.id in self._timers:
            self._end(connection)

    def _end(self, connection: Connection) -> None:
        self._closed(connection)
        words = [message.json for message in connection.take_back()]
        if words and not self.draining:
            self._last_words[connection.id] = words
            asyncio.get_running_loop().call_later(limits.LINGER, self._last_words.pop, connection.id, None)

    def check(self, connection_id: str) -> None:
        """Raise EndedMeanwhile, once, where the connection of this id has ended between two requests."""
        if words := self._last_words.pop(connection_id, None):
            raise EndedMeanwhile(words)
