"""The last signals of topics that nobody follows here: who comes with a cursor from another process finds them."""

from collections import deque

from quart_app.realtime import limits
from quart_app.realtime.messages.event import Event


class Ring:
    """The last SIGNAL_RING transient events of all topics together. It is `known` to hold the newest of its topics,
    unless the process was out of reach of the others since."""

    def __init__(self) -> None:
        self.known = True
        self._events: deque[Event] = deque()
        self._of_topics: dict[str, deque[Event]] = {}
        self._bytes = 0

    def __contains__(self, topic: str) -> bool:
        return topic in self._of_topics

    def append(self, event: Event) -> None:
        """Take an event in, at the cost of the oldest ones."""
        of_topic = self._of_topics.get(event.topic)
        if of_topic is None:
            of_topic = self._of_topics[event.topic] = deque()
        elif of_topic[-1].ordinal + 1 != event.ordinal:
            of_topic.clear()  # what is missing between them is missing to everybody
        of_topic.append(event)
        self._events.append(event)
        self._bytes += event.size
        while len(self._events) > limits.SIGNAL_RING or self._bytes > limits.SIGNAL_RING_BYTES:
            self._drop_oldest()

    def take(self, topic: str) -> list[Event]:
        """Return what is here of a topic that is followed from now on; it is not kept here any more."""
        return list(self._of_topics.pop(topic, ()))

    def _drop_oldest(self) -> None:
        event = self._events.popleft()
        self._bytes -= event.size
        of_topic = self._of_topics.get(event.topic)
        if of_topic and of_topic[0] is event:  # else it was taken
            of_topic.popleft()
            if not of_topic:
                del self._of_topics[event.topic]
