"""The last signals of topics that nobody follows here: who comes with a cursor from another process finds them."""

from collections import deque

from quart_app.realtime import limits
from quart_app.realtime.messages.event import Event


class Ring:
    """The last SIGNAL_RING transient events of all topics together."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._events: deque[Event] = deque()
        self._of_topics: dict[str, deque[Event]] = {}
        self._bytes = 0

    def knows(self, topic: str) -> bool:
        """Return whether the newest event of a topic is here, so that its count is known."""
        return topic in self._known

    def interrupted(self, topic: str | None = None) -> None:
        """Note that events of a topic, or of all, are missed, up to the next one that comes."""
        if topic is None:
            self._known.clear()
        else:
            self._known.discard(topic)

    def append(self, event: Event) -> None:
        """Take an event in, at the cost of the oldest ones."""
        of_topic = self._of_topics.get(event.topic)
        if of_topic is None:
            of_topic = self._of_topics[event.topic] = deque()
        elif of_topic[-1].ordinal + 1 != event.ordinal:
            of_topic.clear()  # what is missing between them is missing to everybody
        of_topic.append(event)
        self._known.add(event.topic)
        self._events.append(event)
        self._bytes += event.size
        while len(self._events) > limits.SIGNAL_RING or self._bytes > limits.SIGNAL_RING_BYTES:
            self._drop_oldest()

    def take(self, topic: str) -> list[Event]:
        """Return what is here of a topic that is followed from now on; it is not kept here any more."""
        self._known.discard(topic)
        return list(self._of_topics.pop(topic, ()))

    def _drop_oldest(self) -> None:
        event = self._events.popleft()
        self._bytes -= event.size
        of_topic = self._of_topics.get(event.topic)
        if of_topic and of_topic[0] is event:  # else it was taken
            of_topic.popleft()
            if not of_topic:
                del self._of_topics[event.topic]
                self._known.discard(event.topic)
