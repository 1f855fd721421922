"""Which topics are wanted, and what each connection has to be told about them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

MOST_TOPICS = 100
LONGEST_NAME = 128
NAME = re.compile(r"[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)*")


def checked(topic: str) -> str:
    """Returns the topic's name; raises ValueError if it cannot be one."""
    if len(topic) > LONGEST_NAME or not NAME.fullmatch(topic):
        raise ValueError(f"not a topic name: {topic!r}")
    return topic


class Topics:
    """The wanted topics in order. A topic is *known* once a connection has welcomed us to it."""

    def __init__(self, wanted: Iterable[str], known: bool) -> None:
        """`known`: a cursor given by the user applies to all of `wanted`."""
        self._wanted = dict.fromkeys(checked(topic) for topic in wanted)
        if not 1 <= len(self._wanted) <= MOST_TOPICS:
            raise ValueError(f"a connection takes 1 to {MOST_TOPICS} topics, not {len(self._wanted)}")
        self._known = set(self._wanted) if known else set()
        self._expected: set[str] = set()

    @property
    def wanted(self) -> tuple[str, ...]:
        """The topics, in the order they were asked for."""
        return tuple(self._wanted)

    @property
    def fresh(self) -> tuple[str, ...]:
        """The wanted topics our cursor says nothing about."""
        return tuple(topic for topic in self._wanted if topic not in self._known)

    def add(self, topic: str) -> bool:
        """Wants a topic; returns whether it is new. Raises ValueError for a bad name or one too many."""
        if checked(topic) in self._wanted:
            return False
        if len(self._wanted) >= MOST_TOPICS:
            raise ValueError(f"a connection takes at most {MOST_TOPICS} topics")
        self._wanted[topic] = None
        return True

    def drop(self, topic: str) -> bool:
        """Wants a topic no more; returns whether it was wanted. Raises ValueError for the last one."""
        if topic not in self._wanted:
            return False
        if len(self._wanted) == 1:
            raise ValueError("the last topic stays: close the client instead")
        self.forget(topic)
        return True

    def forget(self, topic: str) -> None:
        """The server refused this topic."""
        self._wanted.pop(topic, None)
        self._known.discard(topic)
        self._expected.discard(topic)

    def expect(self, topics: Iterable[str]) -> None:
        """A connection owes us the welcomes of exactly these topics."""
        self._expected = set(topics)

    def expect_also(self, topic: str) -> None:
        """The connection owes us one more welcome."""
        self._expected.add(topic)

    def welcomed(self, topic: str) -> bool:
        """A message of `topic` came: returns whether it is the welcome owed."""
        if topic not in self._expected:
            return False
        self._expected.discard(topic)
        if topic in self._wanted:
            self._known.add(topic)
        return True
