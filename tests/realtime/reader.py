"""One client of the engine as the tests see it: it keeps account of what it got, and compares each
message with what the world published. Every method that finds a broken promise raises AssertionError."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from quart_app.wire import Cursor


class Fact(NamedTuple):
    """A durable event, by what decides who gets it."""

    topic: str
    hidden_from: str | None


class Value(NamedTuple):
    """What a state topic holds under one key: the number of the broadcast that put it there."""

    serial: int
    hidden_from: str | None


@dataclass
class Published:
    """All that ever happened: `facts` of one log (the n-th has position n), the rest of one process."""

    facts: list[Fact] = field(default_factory=list)
    signals: dict[str, list[str | None]] = field(default_factory=dict)
    """By topic, from whom each of its signals is hidden; its index is its serial number."""
    values: dict[str, dict[str, Value]] = field(default_factory=dict)
    floor: int = 0
    """The last position that was trimmed."""

    def count(self, topic: str) -> int:
        return len(self.signals.get(topic, ()))


@dataclass
class Heard:
    """Which signal comes next: one of `low` … `high`, because what is hidden passes unseen."""

    low: int
    high: int


class Reader:
    """A client that keeps account of its messages; `cursor` is what it would come back with."""

    def __init__(self, published: Published, user_id: str) -> None:
        self.published = published
        self.user_id = user_id
        self.cursor: str | None = None
        self.at_another_log = False
        """Whether its cursor is of a log that is not this one, up to there."""
        self.topics: dict[str, int] = {}
        """The position after which each topic's events have to come."""
        self.last = 0
        self._heard: dict[str, Heard] = {}
        self._added: list[Heard] = []
        self._starting: list[str] = []
        self._forgotten: set[str] = set()
        self._values: dict[str, dict[str, int]] = {}
        self.notes_sent = 0
        self._notes = 0
        self._opened = self._over = False
        self._asked: Cursor | None = None
        self._reset_due = False

    @property
    def position(self) -> int:
        """The position of the reader's cursor."""
        return 0 if self.cursor in {None, "0"} else Cursor.parse(str(self.cursor)).position

    # Opening

    def open(self, topics: Collection[str], fresh: Collection[str], *, run: str) -> None:
        """Ask the process that `run` names for `topics`, from the reader's cursor except for the `fresh` ones."""
        since = None if self.cursor is None or self.cursor == "0" else Cursor.parse(self.cursor)
        goes_on = since is not None and since.run == run and set(topics) == set(self.topics)
        self._starting = [topic for topic in topics if not goes_on or topic in fresh or topic not in self._heard]
        for topic in self._starting:
            count = self.published.count(topic)
            self._heard[topic] = Heard(count, count)
            self._values[topic] = {}
        self.topics = dict.fromkeys(topics, since.position if since else 0)
        self.last = since.position if since else 0
        self._added.clear()
        self._asked = since
        self._reset_due = False
        self._opened = self._over = False
        self._notes = self.notes_sent

    def goes_on_silently(self) -> None:
        """Expect no welcome, because this is a long poll that goes on."""
        self._opened = True
        self._reset_due = self.at_another_log

    def assert_told(self) -> None:
        """Assert that the answer told all that was due: no `reset` is missing."""
        assert not self._reset_due, "it goes on among events that it has not seen"

    def opened(self) -> None:
        """Let the reader have heard or missed what was published while it was opening, where it starts afresh."""
        for topic in {*self._starting, *(self._forgotten & set(self.topics))}:
            self.may_have_missed(topic)
        self._forgotten.clear()

    def forgotten(self) -> None:
        """Expect no signals of the time away, because topics that nobody followed have lost theirs."""
        self._forgotten |= set(self.topics)

    def may_have_missed(self, topic: str) -> None:
        """Let signals of `topic` up to now be missed."""
        heard = self._heard[topic]
        heard.high = max(heard.high, self.published.count(topic))

    # Messages

    def take(self, message: dict[str, Any]) -> None:
        """Account for one message."""
        kind = message["type"]
        assert not self._over, f"{kind} came after the last message"
        if kind in {"connected", "welcome"}:
            self._welcome(message)
        else:
            assert self._opened, f"{kind} came before the welcome"
            assert not self._reset_due or kind not in {"fact", "signal", "value", "gap"}, f"{kind} before the reset"
            getattr(self, f"_{kind}")(message)
        if "id" in message and not self._reset_due:  # the place that a reset leads to counts once the reset has come
            self.cursor = message["id"]

    def _welcome(self, message: dict[str, Any]) -> None:
        if self._opened and message["type"] == "welcome" and message["topic"] not in self.topics:
            self._heard[message["topic"]] = self._added.pop(0)
            self._values[message["topic"]] = {}
        if not self._opened:
            assert "connection_id" in message
            cursor = Cursor.parse(message["id"])
            if self._asked is None or (self._asked.epoch, self._asked.position) != cursor[:2]:
                # From now on; if it asked for something else, it has to be told.
                self._reset_due = self._asked is not None
                self.last = cursor.position
                self.topics = dict.fromkeys(self.topics, cursor.position)
            assert self._reset_due or not self.at_another_log, "it goes on among events that it has not seen"
            self._opened = True
        if message["type"] == "welcome" and not message["data"]["resumed"]:
            self.topics[message["topic"]] = message["data"]["position"]

    def _fact(self, message: dict[str, Any]) -> None:
        cursor = Cursor.parse(message["id"])
        position, topic = cursor.position, message["topic"]
        assert self.published.facts[position - 1].topic == topic
        assert self.published.facts[position - 1].hidden_from != self.user_id, "it was to be hidden"
        assert topic in self.topics, f"{topic} is not followed"
        assert position > self.last, f"{position} came after {self.last}"
        assert position > self.topics[topic], f"{position} is in the snapshot of {self.topics[topic]} already"
        missed = self._owed(self.last, position - 1)
        assert not missed, f"{missed} are missing before {position}"
        self.last = position

    def _owed(self, after: int, until: int) -> list[int]:
        """Return the positions in that range which this reader has to get."""
        return [
            position
            for position, fact in enumerate(self.published.facts[after:until], after + 1)
            if position > self.topics.get(fact.topic, until) and fact.hidden_from != self.user_id
        ]

    def _reset(self, message: dict[str, Any]) -> None:
        cursor, reason = Cursor.parse(message["id"]), message["data"]["reason"]
        asked = self._asked if self._reset_due else None
        if reason == "trimmed":
            assert self.published.floor > (asked.position if asked else self.last), "nothing it needs was trimmed"
        else:
            assert reason in {"unknown_log", "ahead_of_log"}
            assert self.at_another_log, "its cursor is of this very log"
        self.at_another_log = self._reset_due = False
        self.last = cursor.position
        self.topics = {topic: max(cursor.position, since) for topic, since in self.topics.items()}
        for topic in self.topics:
            self.may_have_missed(topic)
            self._values[topic] = {}

    def _signal(self, message: dict[str, Any]) -> None:
        serial, topic = message["data"]["serial"], message["topic"]
        assert topic in self.topics, f"{topic} is not followed"
        assert self.published.signals[topic][serial] != self.user_id, "it was to be hidden"
        heard = self._heard[topic]
        assert serial >= heard.low, f"signal {serial} of {topic} came again or out of order"
        missed = self._unheard(topic, heard.high, serial)
        assert not missed, f"signals {missed} of {topic} were lost silently before {serial}"
        heard.low = heard.high = serial + 1

    def _unheard(self, topic: str, after: int, until: int) -> list[int]:
        hidden = self.published.signals.get(topic, [])
        return [serial for serial in range(after, until) if hidden[serial] != self.user_id]

    def _gap(self, message: dict[str, Any]) -> None:
        topic, dropped = message["topic"], message["data"]["dropped"]
        assert dropped > 0
        hidden = self.published.signals.get(topic, [])
        heard = self._heard[topic]
        while heard.high < len(hidden) and hidden[heard.high] == self.user_id:
            heard.high += 1
        heard.low += dropped
        heard.high += dropped
        assert heard.low <= len(hidden), "more signals are said to be dropped than there were"

    def _value(self, message: dict[str, Any]) -> None:
        topic, key, serial = message["topic"], message["data"]["key"], message["data"]["serial"]
        assert topic in self.topics, f"{topic} is not followed"
        assert serial > self._values[topic].get(key, -1), f"{key} of {topic} went back to {serial}"
        assert self.published.values[topic][key].serial >= serial
        self._values[topic][key] = serial

    def _note(self, message: dict[str, Any]) -> None:
        """Check a direct reply: each comes once, in order, before any event that was committed after it."""
        assert message["number"] == self._notes, "a direct message is missing or out of order"
        self._notes += 1
        self._over = message["last"]
        assert self.last <= message["head"], "it came after an event that is younger"

    def _heartbeat(self, message: dict[str, Any]) -> None:
        assert Cursor.parse(message["id"]).position >= self.last, "the cursor of a heartbeat went back"
        missed = self._owed(self.last, Cursor.parse(message["id"]).position)
        assert not missed, f"the cursor of a heartbeat steps over {missed}"

    def _unsubscribed(self, message: dict[str, Any]) -> None:
        for known in (self.topics, self._heard, self._values):
            del known[message["topic"]]

    def _error(self, message: dict[str, Any]) -> None:
        raise AssertionError(message)

    # Adding topics

    def adds(self, topic: str) -> None:
        """Follow one more topic, whose signals are owed from now on."""
        count = self.published.count(topic)
        self._added.append(Heard(count, count))

    # The end

    def assert_complete(self) -> None:
        """Assert that the reader, which has read all there is, knows everything."""
        missing = self._owed(self.last, len(self.published.facts))
        assert not missing, f"{missing} never came"
        for topic in self.topics:
            unheard = self._unheard(topic, self._heard[topic].high, self.published.count(topic))
            assert not unheard, f"signals {unheard} of {topic} never came"
            for key, value in self.published.values.get(topic, {}).items():
                known = self._values[topic].get(key)
                assert known == value.serial or value.hidden_from == self.user_id, f"{key} of {topic} is {known}"
