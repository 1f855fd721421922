"""The intake: what the backplane tells goes to the relay and the bus."""

from collections.abc import Callable, Iterable, Sequence

from quart_app.realtime.flow.backplane import UNKNOWN, Count, Holding
from quart_app.realtime.flow.bus import Bus
from quart_app.realtime.flow.relay import Relay
from quart_app.realtime.flow.topic_memory import TopicMemory
from quart_app.realtime.messages.event import Event
from quart_app.realtime.messages.kinds import Kind


class Intake:
    """The sink of a backplane; `Sink` tells about each method. Questions are answered by `asked`,
    and `joined` is called when others are heard."""

    def __init__(
        self,
        bus: Bus,
        relay: Relay,
        asked: Callable[[str, bytes, Callable[[bytes], None]], None],
        joined: Callable[[], None],
    ) -> None:
        self._bus = bus
        self.asked = asked
        self.joined = joined
        self.offered = relay.take
        self.woken = relay.wake
        self.received = bus.publish
        self.restored = bus.restore
        self.shown = bus.publish_unnumbered
        self.lost = bus.lose
        self.found = bus.found
        self.interrupted = bus.interrupted

    def check(self, events: Sequence[Event]) -> None:
        self._bus.keep_room(events)()

    def counting(self, run: str) -> None:
        self._bus.run, self._bus.run_is_known = run, True

    def is_state(self, topic: str) -> bool:
        return self._bus.kind_of(topic) is Kind.STATE

    def holding(self, topic: str) -> Holding:
        known = self._bus.topic(topic)
        if known is None:
            return Holding(topic, UNKNOWN, (), is_state=self.is_state(topic), followed=False)
        return _holding(known)

    def holdings(self) -> Iterable[Holding]:
        return map(_holding, self._bus.topics())


def _holding(topic: TopicMemory) -> Holding:
    counted, values = Count(topic.first, topic.count), tuple(topic.state.values())
    return Holding(topic.name, counted, values, is_state=topic.kind is Kind.STATE, followed=topic.followers > 0)
