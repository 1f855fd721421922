"""Rules about nodes that may be cut off: what they sell, what they say, and what they count."""

from typing import Any, Final

from quart_app.lab.checker.history import Happened, History
from quart_app.lab.checker.rules.rule import Rule, breach_of
from quart_app.lab.checker.verdict import Breach

GRACE: Final = 1.0
"""The time in which everybody may hear of something (s)."""


class _Counting(Rule):
    """A rule that counts what it has judged, and knows whether a cable is cut."""

    def __init__(self) -> None:
        super().__init__()
        self.judged = 0
        self.cut: Happened | None = None

    def look(self, event: Happened, history: History) -> Breach | None:
        if event["do"] in {"cut", "heal"}:
            self.cut = event if event["do"] == "cut" else None
        return self.judge(event)

    def judge(self, event: Happened) -> Breach | None:
        """Return the counter-example that an event makes."""
        raise NotImplementedError

    def looked_at(self, history: History) -> int:
        return self.judged

    def waits_for(self, history: History) -> tuple[str, ...]:
        return ()


class OneTicketPerSeat(_Counting):
    """A seat is sold once."""

    def __init__(self) -> None:
        super().__init__()
        self._sold: dict[int, Happened] = {}

    def judge(self, event: Happened) -> Breach | None:
        if event["do"] != "commit" or "seat" not in event:
            return None
        self.judged += 1
        first = self._sold.setdefault(event["seat"], event)
        if first is event:
            return None
        values = {"seat": event["seat"], "one": str(first["who"]).title(), "other": str(event["who"]).title()}
        values |= {"here": first["lane"], "there": event["lane"], "first": first["t"], "second": event["t"]}
        if self.cut is None:
            return breach_of("both", [first["n"], event["n"]], **values)
        return breach_of("cut", [self.cut["n"], first["n"], event["n"]], cut=self.cut["t"], **values)


class ReadsAreMarked(_Counting):
    """Who does not know of all that was sold a while ago says so."""

    def __init__(self) -> None:
        super().__init__()
        self._sales: list[Happened] = []
        """The first sale of each seat."""
        self._seats: dict[int, None] = {}
        self._old = 0

    def judge(self, event: Happened) -> Breach | None:
        if event["do"] == "commit" and "seat" in event and event["seat"] not in self._seats:
            self._seats[event["seat"]] = None
            self._sales.append(event)
        if event["do"] != "show" or "sold" not in event:
            return None
        self.judged += 1
        while self._old < len(self._sales) and self._sales[self._old]["t"] <= event["t"] - GRACE:
            self._old += 1
        if event["sold"] >= self._old or "until" in event:
            return None
        values: dict[str, Any] = {"who": str(event["lane"]).title(), "node": event["node"], "at": event["t"]}
        shown = [self._sales[self._old - 1]["n"], event["n"]]
        return breach_of("stale", shown, said=event["sold"], right=self._old, **values)


class CounterConverges(_Counting):
    """In the end all nodes have counted all claps."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[str, Happened] = {}
        self._last: Happened | None = None

    def judge(self, event: Happened) -> Breach | None:
        if event["do"] == "commit" and event.get("clap"):
            self.judged += 1
            self._last = event
        elif event["do"] == "state" and "claps" in event:
            self._said[event["lane"]] = event
        return None

    def end(self, history: History) -> Breach | None:
        for name, said in self._said.items():
            if said["claps"] != self.judged:
                values = {"node": name, "says": said["claps"], "right": self.judged}
                return breach_of("lost" if said["claps"] < self.judged else "more", [said["n"]], **values)
        return None

    def waits_for(self, history: History) -> tuple[str, ...]:
        return () if self._said else ("claps",)
