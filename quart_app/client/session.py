"""The client's side of the wire without any I/O: messages go in, what is for the user comes out.

Owns the topics, the ledger, the outbox and the round-trip time, which outlive every connection. Must not know which
transport carries the messages nor what time it is: the clock is passed in.
"""

from __future__ import annotations

import secrets
from collections import deque
from dataclasses import dataclass, replace
from typing import Any

from quart_app.client.endings import Ending, Kind, LinkEnded, bounded_delay
from quart_app.client.ledger import Ledger
from quart_app.client.messages import Message, error_text, is_welcome, text_field
from quart_app.client.outbox import Outbox
from quart_app.client.topics import Topics

MOST_PINGS = 8
"""Unanswered pings remembered; older ones are forgotten."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What a connection is opened with: its topics, the cursor (None: from now), the topics it says nothing about."""

    topics: tuple[str, ...]
    since: str | None
    fresh: tuple[str, ...]


def new_key() -> str:
    """Returns a key no other message has."""
    return secrets.token_urlsafe(12)


class Session:
    """Everything that is to survive a change of connection."""

    def __init__(self, topics: Topics, since: str | None, in_flight: int) -> None:
        """`since` is the user's cursor or None; `in_flight` the messages written and unanswered at most."""
        self.topics = topics
        self.ledger = Ledger(since)
        self.outbox = Outbox(in_flight)
        self.controls: deque[Message] = deque()
        self.heartbeat: object = None
        self.rtt: float | None = None
        self._opening = self.opening()
        self._welcomed = False
        self._told: set[str] = set()
        self._snapshots: set[str] = set()
        self._pings: dict[str, float] = {}
        self._asked: dict[str, str] = {}

    def opening(self) -> Opening:
        """Returns what the next connection is to be opened with."""
        since = self.ledger.cursor
        return Opening(self.topics.wanted, since, () if since is None else self.topics.fresh)

    def begin(self, opening: Opening) -> None:
        """A connection opened with `opening` takes over: forgets what was owed by the one before."""
        self._opening = opening
        self._welcomed = False
        self._told = set(opening.topics)
        self._snapshots = set(opening.topics if opening.since is None else opening.fresh)
        self._pings.clear()
        self._asked.clear()
        self.controls.clear()
        self.topics.expect(opening.topics)
        self.ledger.begin(opening.since)
        self.outbox.restart()

    @property
    def outdated(self) -> bool:
        """Whether the connection carries other topics than are wanted now."""
        return self._told != set(self.topics.wanted)

    def reconcile(self) -> None:
        """Queues the messages that tell the connection which topics are wanted now."""
        wanted = set(self.topics.wanted)
        for topic in self.topics.wanted:
            if topic not in self._told:
                self.topics.expect_also(topic)
                self._snapshots.add(topic)
                self._ask("subscribe", topic)
        for topic in sorted(self._told - wanted):
            self._ask("unsubscribe", topic)
        self._told = wanted

    def ping(self, now: float) -> Message:
        """Returns a ping to send now; its pong gives the round-trip time."""
        key = new_key()
        while len(self._pings) >= MOST_PINGS:
            del self._pings[next(iter(self._pings))]
        self._pings[key] = now
        return {"type": "ping", "key": key}

    def receive(self, message: Message, now: float) -> Message | None:
        """Takes a message; returns it if it is for the user. Raises LinkEnded for a `bye`."""
        if "key" in message and self._is_reply(message, now):
            return None
        topic, cursor = text_field(message, "topic"), text_field(message, "id")
        if is_welcome(message) or (topic is not None and self.topics.welcomed(topic)):
            self._welcome(message, topic, cursor)
            return message
        if topic is not None and cursor is not None:
            return message if self.ledger.admit(topic, cursor) else None
        return self._announcement(message, topic, cursor)

    def _announcement(self, message: Message, topic: str | None, cursor: str | None) -> Message | None:
        # People may publish these very types into their own topics: only the server's own come without a topic.
        kind = message.get("type")
        if kind == "gap":
            self.ledger.dropped += _dropped(message)
        elif topic is None and kind == "heartbeat":
            if cursor is not None:
                self.ledger.advance(cursor)
            return None
        elif topic is None and kind == "reset" and cursor is not None:
            self.ledger.reset(cursor)
        elif topic is None and kind == "bye":
            raise LinkEnded(farewell(message))
        return message

    def _welcome(self, message: Message, topic: str | None, cursor: str | None) -> None:
        first = not self._welcomed
        self._welcomed = True
        self.heartbeat = message.get("heartbeat", self.heartbeat)
        if topic is None and len(self._opening.topics) == 1:
            topic = self._opening.topics[0]
        if topic is not None:
            self.topics.welcomed(topic)
        if cursor is None:
            return
        # With `since` the welcome repeats it or a `reset` follows: taking a newer id before that `reset` would hide it.
        if first and self._opening.since is None:
            self.ledger.advance(cursor)
        if topic in self._snapshots:
            self._snapshots.discard(topic)
            self.ledger.snapshot(topic, cursor)

    def _is_reply(self, message: Message, now: float) -> bool:
        key = str(message["key"])
        asked_at = self._pings.pop(key, None)
        if asked_at is not None:
            if message.get("type") != "error":
                self.rtt = (now - asked_at) * 1000
            return True
        topic = self._asked.pop(key, None)
        if topic is not None:
            if message.get("type") == "error":
                self.topics.forget(topic)
                self._told.discard(topic)
                message.setdefault("topic", topic)
            return message.get("type") == "unsubscribed"
        return self.outbox.settle(message, now)

    def _ask(self, what: str, topic: str) -> None:
        key = new_key()
        self._asked[key] = topic
        self.controls.append({"type": what, "topic": topic, "key": key})


def _details(message: Message) -> dict[str, Any]:
    data = message.get("data")
    return data if isinstance(data, dict) else {}


def _dropped(message: Message) -> int:
    count = _details(message).get("dropped")
    return count if isinstance(count, int) else 0


def farewell(message: Message) -> Ending:
    """Returns what a `bye` means: come back after its `retry_after` (ms)."""
    details = _details(message)
    seen = f"bye: {details.get('reason', 'no reason given')}"
    return Ending(Kind.LATER, seen, retry_after=bounded_delay(details.get("retry_after"), unit=0.001))


def refused_topic(topic: str, ending: Ending) -> Message:
    """Returns the `error` message a WebSocket would have brought for a topic that a reopened stream was refused."""
    return {"type": "error", "topic": topic, "data": {"message": ending.seen, "code": str(ending.code)}}


def refusal(ending: Ending, messages: list[Message]) -> Ending:
    """Returns the ending of a connection refused after `messages`: an `error` among them says why, and until when."""
    for message in messages:
        if message.get("type") == "error":
            wait = bounded_delay(_details(message).get("retry_after"), unit=0.001)
            return replace(ending, seen=error_text(message), retry_after=ending.retry_after if wait is None else wait)
    return ending
