"""The topics that are wanted, and what each connection has to be told about them. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from quart_app.wire import TOPIC_NAME_RULE, is_topic_name
from quart_app.wire.sizes import TOPICS_PER_CONNECTION


def check_topic(topic: str) -> str:
    """Return `topic`; raise ValueError, which names it, if it is no topic's name."""
    if not is_topic_name(topic):
        raise ValueError(f"not a topic name: {topic!r} (a name is {TOPIC_NAME_RULE})")
    return topic


class Topics:
    """The wanted topics in order. A topic is *known* once a connection has welcomed the client to it."""

    def __init__(self, wanted: Iterable[str], known: bool) -> None:
        """Want these topics; `known` tells whether a cursor given by the user applies to all of them."""
        self._wanted = dict.fromkeys(check_topic(topic) for topic in wanted)
        if not 1 <= len(self._wanted) <= TOPICS_PER_CONNECTION:
            raise ValueError(f"a connection takes 1 to {TOPICS_PER_CONNECTION} topics, not {len(self._wanted)}")
        self._known = set(self._wanted) if known else set()
        self._expected: set[str] = set()

    @property
    def wanted(self) -> tuple[str, ...]:
        """The topics, in the order they were asked for."""
        return tuple(self._wanted)

    @property
    def fresh(self) -> tuple[str, ...]:
        """The wanted topics that our cursor does not cover."""
        return tuple(topic for topic in self._wanted if topic not in self._known)

    def add(self, topic: str) -> bool:
        """Want a topic; return whether it is new. Raise ValueError for a bad name or one too many."""
        if check_topic(topic) in self._wanted:
            return False
        if len(self._wanted) >= TOPICS_PER_CONNECTION:
            raise ValueError(f"a connection takes at most {TOPICS_PER_CONNECTION} topics")
        self._wanted[topic] = None
        return True

    def drop(self, topic: str) -> bool:
        """Want a topic no more; return whether it was wanted. Raise ValueError for the last one."""
        if topic not in self._wanted:
            return False
        if len(self._wanted) == 1:
            raise ValueError("the last topic stays: close the client instead")
        self.forget(topic)
        return True

    def forget(self, topic: str) -> None:
        """Stop wanting a topic, because the user has dropped it or the server has refused it."""
        self._wanted.pop(topic, None)
        self._known.discard(topic)
        self._expected.discard(topic)

    def expect(self, topics: Iterable[str]) -> None:
        """Expect the welcomes of exactly these topics from the connection."""
        self._expected = set(topics)

    def expect_also(self, topic: str) -> None:
        """Expect one more welcome from the connection."""
        self._expected.add(topic)

    def welcomed(self, topic: str) -> bool:
        """Take a message of `topic`; return whether it is the welcome that was expected."""
        if topic not in self._expected:
            return False
        self._expected.discard(topic)
        if topic in self._wanted:
            self._known.add(topic)
        return True
