"""Who is where by way of all nodes, as this one knows it, and what it has to say about its own users.

What is said about a user is only the latest: that they are here, or are not any more. While there is no line nothing
waits; when there is one, the server tells what it knows of this node, and the difference is said. So a node that was
taken for dead, and a server that has lost its data, get what they lack in one way.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from quart_app.backplane import messages
from quart_app.backplane.line import Line, parts
from quart_app.backplane.presence_scripts import APPEAR, BEAT, MOVE, PRESENT, RESTORE, RETIRE
from quart_app.realtime import UNKNOWN, Count, Entry, Event, limits
from quart_app.surroundings import Surroundings

_Key = tuple[str, str]
"""A topic and a user."""
_Arguments = list[str | bytes | int]


@dataclass
class _Topic:
    """Up to which signal it has told of somebody, and who is there, in order of arrival."""

    counted: Count = UNKNOWN
    people: dict[str, messages.Known] = field(default_factory=dict)


class _Own(NamedTuple):
    """An entry of this node, and what tells that its user has left."""

    entry: Entry
    left: bytes


class Attendance:
    """The attendance at the node `tag`, which the others know by its `name`; `surroundings` tell the time. `news` is
    called when there is something to say."""

    def __init__(self, tag: str, name: str, news: Callable[[], None], surroundings: Surroundings) -> None:
        self._tag = tag
        self._presented = f"{tag} {name}"
        self._news = news
        self._surroundings = surroundings
        self._instance = ""
        self._known = ""
        """The name of the data that are known here."""
        self._topics: dict[str, _Topic] = {}
        self._left: dict[str, _Topic] = {}
        """The topics that everybody has left, the last one last."""
        self._own: dict[_Key, _Own] = {}
        self._coming: dict[_Key, None] = {}
        self._going: dict[_Key, None] = {}
        self._up = False
        self._held: dict[bool, asyncio.TimerHandle] = {}
        """What is not said yet, that users have come (True) or gone, and until when."""

    # The engine's

    def enter(self, entry: Entry) -> None:
        """See `Backplane.enter`."""
        key = entry.topic, entry.user_id
        self._own[key] = _Own(entry, messages.without_time(entry.left))
        if self._up:
            self._going.pop(key, None)
            self._coming[key] = None
            self._news()

    def leave(self, entry: Entry) -> None:
        """See `Backplane.leave`."""
        key = entry.topic, entry.user_id
        del self._own[key]
        if self._up:
            self._coming.pop(key, None)
            self._going[key] = None
            self._news()

    def present(self, topic: str) -> Mapping[str, str]:
        """See `Backplane.present`."""
        known = self._topics.get(topic)
        return {} if known is None else {user: person.username for user, person in known.people.items()}

    # What is heard

    def hear(self, word: messages.Moved) -> list[Event]:
        """Note changes; return the signals that tell of them."""
        told: list[Event] = []
        for (topic, user, person), counted, event in zip(word.changes, word.counts, word.events, strict=True):
            here = self._topics.get(topic) or self._left.pop(topic, _Topic())
            self._topics[topic] = here
            if event is not None:
                here.counted = counted
                event.first, event.ordinal = counted
                told.append(event)
            if person is not None:
                here.people[user] = person
            else:
                here.people.pop(user, None)
                if not here.people:
                    self._empty(topic, here)
        return told

    def take_over(self, word: messages.Present) -> None:
        """Note who is present in some topics, and nobody else; of what another node has `restored`, this one may know
        more."""
        for topic, counted, people in word.topics:
            known = self._topics.get(topic) or self._left.get(topic)
            if word.restored and known and known.counted.number > counted.number:
                continue
            if people:
                self._topics[topic] = _Topic(counted, people)
                self._left.pop(topic, None)
            else:
                self._empty(topic, _Topic(counted))

    def _empty(self, topic: str, left: _Topic) -> None:
        """Note that everybody has left a topic: a node that knows less may not bring them back."""
        self._topics.pop(topic, None)
        self._left.pop(topic, None)
        self._left[topic] = left
        if len(self._left) > limits.TOPICS_LEFT:
            del self._left[next(iter(self._left))]

    # What is said

    def cut(self) -> None:
        """Note that nothing gets through from now on."""
        self._up = False
        self._coming.clear()
        self._going.clear()
        for hold in self._held.values():
            hold.cancel()
        self._held.clear()

    async def take_stock(self, line: Line, channel: str, instance: str, fresh: float) -> None:
        """Find out who is where, and restore what the server has lost. What is found comes by the node's `channel`.
        Raise Lost.

        `instance` names the server's data, which are `fresh` for so long (s): that is when they can be restored. A node
        that has just started waits for those who know who was there.
        """
        self._instance = instance
        if self._known not in {"", instance}:
            for some in parts([*self._topics.items(), *self._left.items()], limits.STOCK_TOPICS):
                await line.call(RESTORE, instance, self._tag, *_restoring(some))
        elif not self._known and (wait := fresh - limits.NODE_LEASE + limits.RESTORED) > 0:
            await asyncio.sleep(wait)
        topics = await self._appear(line)
        for names in parts([*{*topics, *self._topics}], limits.STOCK_TOPICS):
            await line.call(PRESENT, instance, self._tag, channel, *names)
        if self._known:
            self._hold()
        self._known = instance

    def _hold(self) -> None:
        """Say nothing before others who were away, too, can hear it, and no leave before they have told who came."""
        loop = asyncio.get_running_loop()
        for coming, until in ((True, limits.RESTORED), (False, 2 * limits.RESTORED)):
            self._held[coming] = loop.call_later(until, self._release, coming)

    def _release(self, coming: bool) -> None:
        del self._held[coming]
        self._news()

    async def _appear(self, line: Line) -> list[str]:
        """Find out what is known of this node, and let the rest be said; return the topics in which somebody is."""
        topics, known = await line.call(APPEAR, self._instance, self._tag, self._presented, _lease())
        told = {_key(entry): left for entry, left in zip(known[::2], known[1::2], strict=True)}
        self._coming = {key: None for key, own in self._own.items() if told.get(key) != own.left}
        self._going = dict.fromkeys(told.keys() - self._own.keys())
        self._up = True
        self._news()
        return [topic.decode() for topic in topics]

    async def beat(self, line: Line, channel: str) -> dict[str, str]:
        """Say that this node is there, and let it hear of itself by its `channel`; bury who is not there any more, but
        not before others who were away have told who came to them. Return the names of all nodes by their tags. Raise
        Lost."""
        more = True
        while more:
            buries = int(False not in self._held)
            arguments = (self._presented, channel, _lease(), self._surroundings.wall(), buries)
            lapsed, more, nodes = await line.call(BEAT, self._instance, self._tag, *arguments)
            if lapsed:
                await self._appear(line)
        named = (node.decode().partition(" ")[::2] for node in nodes)
        return {tag: name for tag, name in named if name}

    async def say(self, line: Line, *, coming: bool) -> bool:
        """Say who has come, or who has gone, as far as that is said at once; return whether there was anybody.
        Raise Lost."""
        waiting = self._coming if coming else self._going
        if not waiting or coming in self._held:
            return False
        changes: _Arguments = []
        for key in list(islice(waiting, limits.BUS_EVENTS)):
            del waiting[key]
            changes += (*key, *self._change(key))
        at = self._surroundings.wall()
        if not await line.call(MOVE, self._instance, self._tag, self._presented, at, *changes):
            await self._appear(line)
        return True

    def _change(self, key: _Key) -> tuple[bytes, bytes, bytes]:
        if (own := self._own.get(key)) is None:
            return b"", b"", b""
        joined = own.entry.joined
        joined.at = self._surroundings.wall()  # who comes back is told anew: what looks as before is taken for a repeat
        return messages.known(own.entry.username, own.left), own.left, messages.packed(joined)

    async def retire(self, line: Line) -> None:
        """Let this node be gone for the others, and its users be there for as long as those of a dropped connection:
        who comes back to another node by then has never left. Raise Lost."""
        await line.call(RETIRE, self._instance, self._tag, self._presented, round(1_000 * limits.LINGER))


def _lease() -> int:
    return round(1_000 * limits.NODE_LEASE)


def _key(entry: bytes) -> _Key:
    topic, _, user = entry.decode().partition(" ")
    return topic, user


def _restoring(topics: Sequence[tuple[str, _Topic]]) -> _Arguments:
    arguments: _Arguments = []
    for name, topic in topics:
        arguments += (name, *topic.counted, len(topic.people))
        for user, known in topic.people.items():
            arguments += (user, messages.known(*known), known.left)
    return arguments
