"""The intake: what the backplane tells goes to the relay and the bus."""

from collections.abc import Iterable, Sequence

from quart_app.realtime.flow.backplane import Count, Holding
from quart_app.realtime.flow.bus import Bus
from quart_app.realtime.flow.relay import Relay
from quart_app.realtime.messages.event import Event
from quart_app.realtime.messages.kinds import Kind


class Intake:
    """The sink of a backplane; `Sink` tells about each method."""

    def __init__(self, bus: Bus, relay: Relay) -> None:
        self._bus = bus
        self.offered = relay.take
        self.woken = relay.wake
        self.received = bus.publish
        self.shown = bus.publish_unnumbered
        self.lost = bus.lose
        self.found = bus.found
        self.interrupted = bus.interrupted

    def check(self, events: Sequence[Event]) -> None:
        self._bus.keep_room(events)()

    def counting(self, run: str) -> None:
        self._bus.run = run

    def holdings(self) -> Iterable[Holding]:
        for topic in self._bus.topics():
            values = tuple(topic.state.values())
            counted = Count(topic.first, topic.count)
            yield Holding(topic.name, counted, values, topic.kind is Kind.STATE, topic.followers > 0)
