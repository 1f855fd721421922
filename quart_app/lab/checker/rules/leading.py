"""Rules about who publishes: one at a time, none by an old number, and not nobody for long."""

from typing import Any, Final

from quart_app.lab.checker.history import Happened, History
from quart_app.lab.checker.rules.rule import Rule, breach_of
from quart_app.lab.checker.verdict import Breach

WITHIN: Final = 12.0
"""The longest time that may pass without anything being published (s)."""


class _Publishing(Rule):
    """A rule about what is published: it is stored with `who` has published it and the `tick` that it is of."""

    def __init__(self) -> None:
        super().__init__()
        self._published = 0
        self._woke: dict[str, Happened] = {}
        """By lane when it last went on after a pause."""

    def look(self, event: Happened, history: History) -> Breach | None:
        if event["do"] == "resume":
            self._woke[event["lane"]] = event
        if event["do"] != "commit" or "tick" not in event:
            return None
        self._published += 1
        return self.judge(event, history)

    def judge(self, event: Happened, history: History) -> Breach | None:
        """Return the counter-example that something published makes."""
        raise NotImplementedError

    def slept(self, event: Happened, history: History) -> Happened | None:
        """Return when its publisher woke up, where that has slept over what it published."""
        woke = self._woke.get(event["who"])
        story = history.stories.get(event["msg"])
        return woke if woke is not None and story is not None and story.taken < woke["n"] else None

    def looked_at(self, history: History) -> int:
        return self._published

    def waits_for(self, history: History) -> tuple[str, ...]:
        return ()


class OnePerTick(_Publishing):
    """Of each tick there is at most one reading."""

    def __init__(self) -> None:
        super().__init__()
        self._first: dict[int, Happened] = {}
        self._cut: Happened | None = None

    def look(self, event: Happened, history: History) -> Breach | None:
        if event["do"] in {"cut", "heal"}:
            self._cut = event if event["do"] == "cut" else None
        return super().look(event, history)

    def judge(self, event: Happened, history: History) -> Breach | None:
        first = self._first.setdefault(event["tick"], event)
        if first is event:
            return None
        values: dict[str, Any] = {"tick": event["tick"], "who": event["who"], "other": first["who"]}
        for late, other in ((event, first), (first, event)):
            if woke := self.slept(late, history):
                values |= {"who": late["who"], "other": other["who"], "woke": woke["t"]}
                began = history.stories[late["msg"]].taken
                values["began"] = history.at(began)
                return breach_of("woke", [began, woke["n"], first["n"], event["n"]], **values)
        if self._cut is not None:
            return breach_of("cut", [self._cut["n"], first["n"], event["n"]], cut=self._cut["t"], **values)
        return breach_of("both", [first["n"], event["n"]], **values)


class TokensNeverFall(_Publishing):
    """Who publishes by a number does not come after one that has a higher one."""

    def __init__(self) -> None:
        super().__init__()
        self._newest: Happened | None = None

    def judge(self, event: Happened, history: History) -> Breach | None:
        if "term" not in event:
            return None
        newest = self._newest
        if newest is None or event["term"] >= newest["term"]:
            self._newest = event
            return None
        values = {"who": event["who"], "term": event["term"], "other": newest["who"], "newest": newest["term"]}
        woke, began = self.slept(event, history), history.stories[event["msg"]].taken
        shown = [began, newest["n"], event["n"]]
        if woke is None:
            return breach_of("late", shown, at=event["t"], **values)
        return breach_of("woke", [*shown, woke["n"]], began=history.at(began), at=event["t"], **values)


class LeaderWithin(_Publishing):
    """It is never long until somebody publishes again."""

    def __init__(self) -> None:
        super().__init__()
        self._last: Happened | None = None

    def judge(self, event: Happened, history: History) -> Breach | None:
        last, self._last = self._last, event
        return self._silence(last, event)

    def end(self, history: History) -> Breach | None:
        return self._silence(self._last, history.events[-1]) if history.events else None

    @staticmethod
    def _silence(last: Happened | None, now: Happened) -> Breach | None:
        since = 0.0 if last is None else last["t"]
        if now["t"] - since <= WITHIN:
            return None
        shown = [None if last is None else last["n"], now["n"]]
        return breach_of("nobody", shown, since=since, until=now["t"], most=WITHIN)
