"""What a client of a random scenario has got, and what must be true of it.

What is wrong is raised as a Breach: the rule, and a sentence that says who, what and when.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from quart_app.lab.soak.channels import FACT, FACTS, JOINED, LEFT, ROOM, SIGNAL, SIGNALS, STATE, VALUE
from quart_app.wire import Cursor


class Breach(Exception):
    """A rule is broken. `rule` is its name."""

    def __init__(self, rule: str, sentence: str) -> None:
        super().__init__(f"{rule}: {sentence}")
        self.rule = rule


@dataclass
class Truth:
    """What was really published: the marks of the `facts` by position from 1; `order()` returns the numbers of the
    signals in their order. These are counted no more once the backplane `has_forgotten`. In the end all is `calm`, and
    nobody leaves."""

    facts: list[str]
    order: Callable[[], list[int]]
    has_forgotten: bool = False
    calm: bool = False


class Account:
    """The account of one client."""

    def __init__(self, name: str, topics: tuple[str, ...], truth: Truth) -> None:
        self.name = name
        self._topics = topics
        self._truth = truth
        self.position: int | None = None
        """Up to where it has got the log; None before its first welcome."""
        self.values: dict[str, int] = {}
        self.here: set[str] | None = None
        """Who is in the room, None where it cannot know."""
        self._told_of: dict[str, str] = {}
        """What it was told last of each user, since its last welcome."""
        self._heard: set[int] = set()
        self._last_signal: int | None = None
        self._told = 0
        """The signals that it was told to be missing since the last one that it heard."""

    def take(self, message: dict[str, Any]) -> None:
        """Take the next message. Raise Breach."""
        type, topic = message["type"], message.get("topic")
        match type:
            case "connected":
                self._welcome(message, topic)
            case "reset":
                self.position = Cursor.parse(message["id"]).position
                self._last_signal = None
            case "gap":
                if topic == SIGNALS:
                    self._told += message["data"]["dropped"]
                else:
                    self.here = None
                    self._told_of.clear()
            case _ if type == FACT:
                self._fact(Cursor.parse(message["id"]).position, message["data"])
            case _ if type == VALUE:
                self.values[message["data"]["key"]] = message["data"]["number"]
            case _ if type == SIGNAL:
                self._signal(message["data"])
            case _ if type in {JOINED, LEFT}:
                self._presence(type, message["data"]["user_id"])
            case _:
                raise Breach("no_nonsense", f"{self.name} got {type}")

    def _welcome(self, message: dict[str, Any], topic: str | None) -> None:
        if self.position is None and "id" in message:
            self.position = Cursor.parse(message["id"]).position
        if topic in {None, SIGNALS}:
            self._last_signal = None  # what was on its way when a connection ended is told only where it can be
        data = message.get("data") or {}
        if "active_users" in data:
            self._told_of.clear()  # a node that does not reach the backplane may not know what was told before
            self.here = {user["user_id"] for user in data["active_users"]}

    def _fact(self, position: int, mark: str) -> None:
        if self.position is None:
            raise Breach("welcome_first", f"{self.name} got {mark} before its welcome")
        if position <= self.position:
            raise Breach("once_each", f"{self.name} got {mark}, at {position}, after it had all up to {self.position}")
        if position > self.position + 1:
            raise Breach("complete", f"{self.name} got {mark}, at {position}, but nothing after {self.position}")
        if [mark] != self._truth.facts[position - 1 : position]:
            raise Breach("same_log", f"{self.name} got {mark} at {position}, where others have another fact")
        self.position = position

    def _signal(self, number: int) -> None:
        if number in self._heard:
            raise Breach("once_each", f"{self.name} heard signal {number} twice")
        self._heard.add(number)
        order = self._truth.order()
        place = order.index(number)
        if self._last_signal is not None:
            if place < self._last_signal:
                raise Breach("same_order", f"{self.name} heard signal {number} after one that others hear later")
            missing = place - self._last_signal - 1
            if missing > self._told and not self._truth.has_forgotten:
                raise Breach(
                    "lost_is_told",
                    f"{self.name} missed {missing} signals before {number}, and was told of {self._told}",
                )
        self._last_signal = place
        self._told = 0

    def _presence(self, type: str, user: str) -> None:
        if user == self.name:
            raise Breach("presence", f"{self.name} was told of itself")
        if type == LEFT and self._truth.calm:
            raise Breach("no_false_leave", f"{self.name} was told that {user} has left, who is there")
        if self.here is None:
            return
        if self._told_of.get(user) == type:
            came = "come" if type == JOINED else "left"
            raise Breach("presence", f"{self.name} was told twice that {user} has {came}")
        self._told_of[user] = type
        if type == JOINED:
            self.here.add(user)
        else:
            self.here.discard(user)

    # At the end

    def follows(self, topic: str) -> bool:
        """Tell whether it follows a topic."""
        return topic in self._topics

    def check(self, values: dict[str, int], here: set[str]) -> None:
        """Raise Breach where it does not know by now what there is to be known: the `values` of the state, and who is
        `here`. A value that a node had alone may have died with it, and then it knows a newer one."""
        if FACTS in self._topics and self.position != len(self._truth.facts):
            raise Breach("nothing_lost", f"{self.name} stands at {self.position} of {len(self._truth.facts)}")
        if STATE in self._topics and any(number > self.values.get(key, -1) for key, number in values.items()):
            raise Breach("converged", f"{self.name} has the values {self.values}, and the nodes have {values}")
        if ROOM in self._topics and self.here is not None and self.here != here:
            raise Breach("presence", f"{self.name} sees {sorted(self.here)}, and {sorted(here)} are there")
