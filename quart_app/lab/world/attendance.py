"""Presence as the Redis in small keeps it: what the scripts of presence do, once more and in other words."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from quart_app.realtime import limits

Moves = tuple[list[int], list[Any], list[bytes | None]]


class Attendance:
    """Who is where by way of which node. `next_number(topic)` numbers a signal: after which number its topic is
    counted, and its own. `next_place()` returns a place in the order of arrival."""

    def __init__(self, next_number: Callable[[str], tuple[int, int]], next_place: Callable[[], int]) -> None:
        self._next_number = next_number
        self._next_place = next_place
        self._began: float | None = None
        self._calm_until = 0.0
        self._heard = 0.0
        self.nodes: dict[str, float] = {}
        self.entries: dict[str, dict[bytes, bytes]] = defaultdict(dict)
        """Of each node, by topic and user, what tells that they have left."""
        self.people: dict[str, dict[str, tuple[int, bytes]]] = defaultdict(dict)
        """Of each topic, by user, their place in the order of arrival and what is known of them."""
        self.told: dict[str, tuple[int, int]] = {}
        """Of each topic, after which number its signals are counted, and that of the last which told of somebody."""
        self._moves: Moves = [], [], []

    @property
    def fresh(self) -> float:
        """For how much longer presence may be restored (s)."""
        now = asyncio.get_running_loop().time()
        if self._began is None:
            self._began = now
            self._calm_until = now + limits.NODE_LEASE
        return self._began + limits.NODE_LEASE - now

    def appear(self, who: str, lease: float) -> bool:
        """Note that a node is there; return whether it counted as gone."""
        now = asyncio.get_running_loop().time()
        if now - self._heard > limits.PROBE + limits.PROBE_DEADLINE:
            self._calm_until = now + limits.NODE_LEASE
        self._heard = now
        ends, self.nodes[who] = self.nodes.get(who, 0.0), now + lease
        return ends <= now

    def retire(self, tag: str, who: str, lease: float) -> None:
        if self.nodes.pop(who, None) is not None:
            self.nodes[tag] = asyncio.get_running_loop().time() + lease

    def bury(self, at: int) -> bool:
        """Bury the nodes that are gone, some of their entries at once; return whether there are more."""
        now = asyncio.get_running_loop().time()
        if now < self._calm_until:
            return False
        for who in [node for node, ends in self.nodes.items() if ends <= now]:
            tag = who.partition(" ")[0]
            for entry in list(self.entries[tag])[: limits.BUS_EVENTS]:
                self.leave_and_tell(tag, entry, at)
            if self.entries[tag]:
                return True
            del self.nodes[who]
        return False

    def come_and_tell(self, tag: str, topic: str, user: str, person: bytes, left: bytes, joined: bytes) -> None:
        before = self.people[topic].get(user)
        self._come(tag, topic, user, person, left)
        if before is None:
            self._tell(topic, user, person, joined)
        elif before[1] != person:
            self._tell(topic, user, person, None)

    def _come(self, tag: str, topic: str, user: str, person: bytes, left: bytes) -> None:
        self.entries[tag][f"{topic} {user}".encode()] = left
        known = self.people[topic].get(user)
        self.people[topic][user] = known[0] if known else self._next_place(), person

    def _leave(self, tag: str, entry: bytes) -> bytes | None:
        """Take an entry out; return what tells that its user has left, if they have."""
        left = self.entries[tag].pop(entry, None)
        if left is None or any(entry in entries for entries in self.entries.values()):
            return None
        topic, _, user = entry.decode().partition(" ")
        del self.people[topic][user]
        return left

    def leave_and_tell(self, tag: str, entry: bytes, at: int) -> None:
        if (left := self._leave(tag, entry)) is not None:
            length, _, packed = left.partition(b" ")
            before, after = packed[: int(length)], packed[int(length) :]
            topic, _, user = entry.decode().partition(" ")
            self._tell(topic, user, None, before + msgspec.msgpack.encode(at) + after)

    def _tell(self, topic: str, user: str, person: bytes | None, event: bytes | None) -> None:
        first, number = (0, 0) if event is None else self._next_number(topic)
        if event is not None:
            self.told[topic] = first, number
        counts, changes, events = self._moves
        counts += (first, number)
        changes.append([topic, user, False if person is None else msgspec.Raw(person)])
        events.append(event)

    def take_moves(self) -> Moves | None:
        """Return what there is to tell; None where there is nothing."""
        moves, self._moves = self._moves, ([], [], [])
        return moves if moves[1] else None

    def everybody(self, topic: str) -> list[Any]:
        people = [[user, since, msgspec.Raw(person)] for user, (since, person) in self.people[topic].items()]
        return [topic, *self.told.get(topic, (0, 0)), people]

    def restore(self, topic: str, told: tuple[int, int], people: Sequence[tuple[str, bytes, bytes]]) -> bool:
        """Let people be there whom a node knew, unless another one knew more; return whether they are."""
        if self.fresh <= 0 or self.told.get(topic, (0, -1))[1] >= told[1]:
            return False
        former = f"~{topic}"
        for entry in list(self.entries[former]):
            self._leave(former, entry)
        for user, person, left in people:
            self._come(former, topic, user, person, left)
        self.told[topic] = told
        if people:
            self.nodes[former] = asyncio.get_running_loop().time() + self.fresh
        return True
