"""The client's side of the wire without any I/O: messages go in, what is for the user comes out.

This module owns the topics, the bookmark, the outbox and the round-trip time, which outlive every connection. It must
not know which transport carries the messages nor what time it is: the clock is passed in.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from quart_app.client.address import StreamRequest
from quart_app.client.bookmark import Bookmark
from quart_app.client.endings import LinkEnded, LinkEnding, ending_of_bye
from quart_app.client.messages import Message, details, is_welcome, text_field
from quart_app.client.options import KEY_BYTES, MAX_PINGS
from quart_app.client.outbox import Outbox
from quart_app.client.overlap import Overlap
from quart_app.client.topics import Topics
from quart_app.wire import Control
from quart_app.wire.sizes import HEARTBEAT


class Session:
    """The session of a client: everything that is to survive a change of connection."""

    def __init__(self, topics: Topics, since: str | None, outbox: Outbox, token: Callable[[int], str]) -> None:
        """Start at `since`, the user's cursor or None; `token` is as in `Surroundings`."""
        self.topics = topics
        self.bookmark = Bookmark(since)
        self.outbox = outbox
        self.controls: deque[Message] = deque()
        self.heartbeat: object = HEARTBEAT
        self.rtt: float | None = None
        self._token = token
        self._request = StreamRequest(topics.wanted, None, ())
        self._before = Overlap()
        self._after = Overlap()
        self._overtaken: set[str] = set()
        self._welcomed = False
        self._told: set[str] = set()
        self._snapshots: set[str] = set()
        self._pings: dict[str, float] = {}
        self._asked: dict[str, str] = {}

    def new_key(self) -> str:
        """Return a key that no other message has."""
        return self._token(KEY_BYTES)

    def request(self, transport: str) -> StreamRequest:
        """Return the request for the next connection."""
        bookmark, wanted, fresh = self.bookmark, self.topics.wanted, self.topics.fresh
        if bookmark.cursor is None:
            return StreamRequest(wanted, None, ())
        # The counts of signals in a cursor are valid only for the topics that they were made for. A poll whose cursor
        # has counts is taken for the next one of a connection and gets no welcome, so a new poll leaves them out.
        counted = transport != "poll" and not fresh and set(wanted) == set(self._request.topics)
        return StreamRequest(wanted, bookmark.full_cursor if counted else bookmark.cursor, fresh)

    def overlap(self) -> None:
        """Remember what the present connection tells from now on: another one is asked for, and may tell it too."""
        self._after = Overlap()

    def begin(self, request: StreamRequest, held: Sequence[Message] = ()) -> None:
        """Let the connection asked for with `request` take over, and forget what the one before still owed.

        `held` is what it has brought while that one went on; it is received after this.
        """
        self._request = request
        self._before, self._after = self._after, Overlap()
        self._overtaken = self._overtaken_in(held)
        self._welcomed = False
        self._told = set(request.topics)
        self._snapshots = set(request.topics if request.since is None else request.fresh)
        self._pings.clear()
        self._asked.clear()
        self.controls.clear()
        self.topics.expect(request.topics)
        self.bookmark.begin(request.since, request.fresh)
        self.outbox.restart()

    def _overtaken_in(self, held: Sequence[Message]) -> set[str]:
        """Return the topics of which something in `held` was told already: what their welcomes there hold is older.

        Cursors on both sides of a `reset` cannot be compared, and after it the user loads everything anew.
        """
        if any(message.get("type") == Control.RESET and "topic" not in message for message in held):
            return set()
        return {message["topic"] for message in held if self._was_told(message)}

    def _was_told(self, message: Message) -> bool:
        topic, cursor = text_field(message, "topic"), text_field(message, "id")
        if cursor is None:
            return self._before.told(message)
        if topic is None or topic in self._request.fresh or is_welcome(message):
            return False
        return self.bookmark.has(cursor)

    @property
    def outdated(self) -> bool:
        """Tell whether the connection carries other topics than are wanted now."""
        return self._told != set(self.topics.wanted)

    def reconcile(self) -> None:
        """Queue the messages that tell the connection which topics are wanted now."""
        wanted = set(self.topics.wanted)
        for topic in self.topics.wanted:
            if topic not in self._told:
                self.topics.expect_also(topic)
                self._snapshots.add(topic)
                self._ask(Control.SUBSCRIBE, topic)
        for topic in sorted(self._told - wanted):
            self._ask(Control.UNSUBSCRIBE, topic)
        self._told = wanted

    def ping(self, now: float) -> Message:
        """Return a ping to send now; its pong gives the round-trip time."""
        key = self.new_key()
        while len(self._pings) >= MAX_PINGS:
            del self._pings[next(iter(self._pings))]
        self._pings[key] = now
        return {"type": Control.PING.value, "key": key}

    def receive(self, message: Message, now: float) -> Message | None:
        """Take a message; return it if it is for the user. Raise LinkEnded for a `bye`."""
        if "key" in message and self._is_reply(message, now):
            return None
        topic, cursor = text_field(message, "topic"), text_field(message, "id")
        if is_welcome(message) or (topic is not None and self.topics.welcomed(topic)):
            return message if self._welcome(message, topic, cursor) else None
        if topic is not None and cursor is not None:
            return message if self.bookmark.admit(topic, cursor) else None
        if self._before.repeats(message):
            return None
        self._after.tell(message)
        return self._announcement(message, topic, cursor)

    def _announcement(self, message: Message, topic: str | None, cursor: str | None) -> Message | None:
        # Only what the server says of the connection comes without a topic (nobody can publish these types anyway).
        kind = message.get("type")
        if kind == Control.GAP:
            self.bookmark.dropped += _dropped(message)
        elif topic is None and kind == Control.HEARTBEAT:
            if cursor is not None:
                self.bookmark.advance(cursor)
            return None
        elif topic is None and kind == Control.RESET and cursor is not None:
            self.bookmark.reset(cursor)
        elif topic is None and kind == Control.BYE:
            raise LinkEnded(ending_of_bye(message))
        return message

    def _welcome(self, message: Message, topic: str | None, cursor: str | None) -> bool:
        """Enter a welcome in the books; return whether it is for the user, who may know what is newer."""
        first = not self._welcomed
        self._welcomed = True
        self.heartbeat = message.get("heartbeat", self.heartbeat)
        if topic is None and len(self._request.topics) == 1:
            topic = self._request.topics[0]
        overtaken = topic in self._overtaken
        if topic is not None:
            self.topics.welcomed(topic)
            self._overtaken.discard(topic)
            if not overtaken and details(message):
                self._before.welcomed(topic)
        if cursor is None:
            return not overtaken
        # After a request with `since`, the welcome repeats that cursor or a `reset` follows: a newer id is not taken
        # here, because it would hide the `reset`.
        if first and self._request.since is None:
            self.bookmark.advance(cursor)
        if topic in self._snapshots:
            self._snapshots.discard(topic)
            self.bookmark.snapshot(topic, cursor)
        return not overtaken

    def _is_reply(self, message: Message, now: float) -> bool:
        key = str(message["key"])
        asked_at = self._pings.pop(key, None)
        if asked_at is not None:
            if message.get("type") != Control.ERROR:
                self.rtt = (now - asked_at) * 1000
            return True
        topic = self._asked.pop(key, None)
        if topic is not None:
            if message.get("type") == Control.ERROR:
                self.topics.forget(topic)
                self._told.discard(topic)
                message.setdefault("topic", topic)
            return message.get("type") == Control.UNSUBSCRIBED
        return self.outbox.settle(message, now)

    def _ask(self, what: Control, topic: str) -> None:
        key = self.new_key()
        self._asked[key] = topic
        self.controls.append({"type": what.value, "topic": topic, "key": key})


def _dropped(message: Message) -> int:
    count = details(message).get("dropped")
    return count if isinstance(count, int) else 0


def refused_topic(topic: str, ending: LinkEnding) -> Message:
    """Return the `error` message a WebSocket would have brought for a topic that a reopened stream was refused."""
    data = {"message": ending.seen, "code": str(ending.code)}
    return {"type": Control.ERROR.value, "topic": topic, "data": data}
