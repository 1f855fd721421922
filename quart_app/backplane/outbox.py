"""What a node has still to tell the others, all of it bounded.

Durable events that do not get through are found in the log. Signals that do not get through are counted, so that their
readers can be told how many are missing. Of a state's values the last one stays until it gets through.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from quart_app.realtime import Event, limits


class Batch(NamedTuple):
    """What is published in one step: of each topic in `lost` how many signals will never come, and then `events`."""

    serial: int
    lost: Sequence[tuple[str, int]]
    events: Sequence[Event]


class Outbox:
    """`is_state(topic)` tells whether the values of a topic are kept."""

    def __init__(self, is_state: Callable[[str], bool]) -> None:
        self._is_state = is_state
        self._commits: deque[Sequence[Event]] = deque(maxlen=limits.BUS_COMMITS)
        self._events: deque[Event] = deque()
        self._under_way: dict[int, Batch] = {}
        self._lost: Counter[str] = Counter()
        self._late: dict[tuple[str, str | None], Event] = {}
        self._serial = 0
        self._added = 0
        self._awaited: deque[tuple[int, asyncio.Future[None]]] = deque()

    def __len__(self) -> int:
        """Return how many transient events wait, or have not come back."""
        return len(self._events) + sum(len(batch.events) for batch in self._under_way.values())

    def holds(self, event: Event) -> bool:
        """Return whether a newer value waits than one that comes from elsewhere."""
        return (event.topic, event.key) in self._late

    def late(self) -> list[Event]:
        """Return the values that did not get through."""
        return list(self._late.values())

    def sent(self, values: Sequence[Event]) -> None:
        """Note that values which did not get through have done so now."""
        for value in values:
            if self._late.get((value.topic, value.key)) is value:
                del self._late[value.topic, value.key]

    # Durable events

    def commit(self, events: Sequence[Event]) -> None:
        """Take the events of a commit; where too many commits wait, the oldest is left to be found in the log."""
        self._commits.append(events)

    def next_commits(self) -> Sequence[Event]:
        """Return the events of commits that follow each other, about as many as fit into a message."""
        if not self._commits:
            return ()
        events = list(self._commits.popleft())
        size = sum(event.size for event in events)
        while self._commits and self._commits[0][0].position == events[-1].position + 1:
            size += sum(event.size for event in self._commits[0])
            if size > limits.BUS_BYTES or len(events) + len(self._commits[0]) > limits.BUS_EVENTS:
                break
            events += self._commits.popleft()
        return events

    # Transient events

    def add(self, events: Sequence[Event]) -> None:
        """Take events that are to be published."""
        room = limits.BUS_WAITING - len(self)
        for event in events[:room]:
            self._late.pop((event.topic, event.key), None)
            self._events.append(event)
            self._added += 1
        self.put_off(events[max(0, room) :])

    async def passed_on(self) -> None:
        """Return when none of the events waits that do so now, and those that were taken before are through."""
        passed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._awaited.append((self._added, passed))
        await passed

    def through(self) -> None:
        """Note that what was taken from here is through."""
        while self._awaited and self._awaited[0][0] <= self._added - len(self._events):
            _, passed = self._awaited.popleft()
            if not passed.done():  # whoever has waited for it may be gone
                passed.set_result(None)

    def put_off(self, events: Sequence[Event]) -> None:
        """Take events that do not get through now."""
        for event in events:
            if self._is_state(event.topic):
                self._late[event.topic, event.key] = event
            elif event.topic in self._lost or len(self._lost) < limits.TOPICS_COUNTED:
                self._lost[event.topic] += 1

    def next_batch(self) -> Batch | None:
        """Return what is to be published next; None where nothing is. It is under way until it is `done`."""
        lost = [self._lost.popitem() for _ in range(min(len(self._lost), limits.BUS_EVENTS))]
        events: list[Event] = []
        size = 0
        while self._events and len(events) < limits.BUS_EVENTS and size < limits.BUS_BYTES:
            events.append(self._events.popleft())
            size += events[-1].size
        # The values that were put off are newer than those that have waited.
        while self._late and not self._events and len(events) < limits.BUS_EVENTS and size < limits.BUS_BYTES:
            key = next(iter(self._late))
            events.append(self._late.pop(key))
            size += events[-1].size
        return self._send(lost, events) if lost or events else None

    def _send(self, lost: Sequence[tuple[str, int]], events: Sequence[Event]) -> Batch:
        self._serial += 1
        batch = self._under_way[self._serial] = Batch(self._serial, lost, events)
        return batch

    def done(self, serial: int) -> Batch | None:
        """Return the batch that has come back, None where it is not known."""
        return self._under_way.pop(serial, None)

    def cut(self) -> Sequence[Event]:
        """Note that nothing gets through from now on; return the values that have not come back."""
        self._commits.clear()
        waiting, self._events = self._events, deque()
        self.through()
        not_back = [event for batch in self._under_way.values() for event in batch.events]
        self.put_off(waiting)
        return [event for event in (*not_back, *waiting) if self._is_state(event.topic)]

    def mend(self, last: int) -> None:
        """Note that what was under way has got through up to the batch `last`, and no further."""
        batches, self._under_way = self._under_way, {}
        for batch in reversed(batches.values()):
            if batch.serial > last:
                self._lost.update(dict(batch.lost))
                for event in reversed(batch.events):
                    if (event.topic, event.key) not in self._late:
                        self.put_off((event,))
