"""Rules about readers of whom one is slow: what is held is bounded, others do not wait, what is lost is told.

They read what comes in (`take`), what readers `open` and `show`, and what is held for each (`hold`).
"""

from typing import Final

from quart_app.lab.checker.history import Happened, History
from quart_app.lab.checker.rules.rule import Rule, breach_of
from quart_app.lab.checker.verdict import Breach

LATE: Final = 1.0
"""The time from which on something is late for a reader that has no trouble (s)."""


class _Passing(Rule):
    """A rule about what is passed on, until the one who does so is `done`."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: dict[str, Happened] = {}
        """What has come in, by its name."""
        self.open: dict[str, dict[str, None]] = {}
        """By reader, what it was not shown yet of what came since it was there."""
        self.slow: dict[str, list[int]] = {}
        """By reader that has had trouble, the events in which its road got dark."""
        self.lit: dict[str, float | None] = {}
        """By reader that has had trouble, when that ended last, None where it has it now."""
        self.done = False

    def look(self, event: Happened, history: History) -> Breach | None:
        lane, do = event["lane"], event["do"]
        if do == "take":
            self.taken[event["msg"]] = event
            for missing in self.open.values():
                missing[event["msg"]] = None
        elif do == "open":
            self.open.setdefault(lane, {})
        elif do == "show" and lane in self.open:
            self.open[lane].pop(event["msg"], None)
        elif do in {"dark", "heal"}:
            for name in lane.split("-"):
                if do == "dark" and self.lit.get(name, 0.0) is not None:
                    self.slow.setdefault(name, []).append(event["n"])
                self.lit[name] = None if do == "dark" else event["t"]
        self.done = self.done or do == "done"
        return None

    def dark(self, name: str, before: Happened) -> int | None:
        """Return the event in which the road of a reader got dark last before another event, None where it did not."""
        return next((number for number in reversed(self.slow.get(name, [])) if number < before["n"]), None)

    def looked_at(self, history: History) -> int:
        return len(self.taken)

    def waits_for(self, history: History) -> tuple[str, ...]:
        return () if self.done else tuple(dict.fromkeys(name for missing in self.open.values() for name in missing))


class HeldBelow(_Passing):
    """What is held for one reader alone stays below what is allowed."""

    def look(self, event: Happened, history: History) -> Breach | None:
        super().look(event, history)
        if event["do"] != "hold" or event["bytes"] <= event["limit"]:
            return None
        dark = self.dark(event["who"], event)
        values = {"who": event["who"].title(), "held": event["bytes"] // 1024, "limit": event["limit"] // 1024}
        values |= {"at": event["t"], "dark": None if dark is None else history.at(dark)}
        return breach_of("unread" if dark is not None else "too_fast", [dark, event["n"]], **values)


class OthersUnharmed(_Passing):
    """Who has no trouble does not wait because somebody else has."""

    def look(self, event: Happened, history: History) -> Breach | None:
        super().look(event, history)
        for name, missing in self.open.items():
            oldest = self.taken[next(iter(missing))] if missing and name not in self.slow else None
            if oldest is not None and event["t"] - oldest["t"] > LATE:
                return self._late(name, oldest, event, history)
        return None

    def _late(self, name: str, oldest: Happened, event: Happened, history: History) -> Breach:
        values = {"who": name.title(), "msg": oldest["msg"], "at": oldest["t"], "now": event["t"]}
        lit = {reader: self.lit[reader] for reader in self.open if reader in self.slow}
        slow = next((reader for reader, since in lit.items() if since is None or since > oldest["t"]), None)
        dark = None if slow is None else self.dark(slow, event)
        if slow is None or dark is None:
            return breach_of("late", [oldest["n"], event["n"]], **values)
        values |= {"slow": slow.title(), "dark": history.at(dark)}
        return breach_of("waits", [dark, oldest["n"], event["n"]], **values)


class LostIsTold(_Passing):
    """Whatever a reader is not shown it is told of; of a value only the last one counts."""

    def __init__(self) -> None:
        super().__init__()
        self._told: dict[str, int] = {}
        self._last: dict[str, str] = {}
        """By kind of which only the last counts, its name."""

    def look(self, event: Happened, history: History) -> Breach | None:
        super().look(event, history)
        if event.get("latest"):
            self._last[event["kind"]] = event["msg"]
        self._told[event["lane"]] = self._told.get(event["lane"], 0) + event.get("gap", 0)
        if event["do"] != "done":
            return None
        if not self.open:
            return breach_of("nobody", [event["n"]])
        for name, missing in self.open.items():
            lost = [msg for msg in missing if not self.taken[msg].get("latest") or msg in self._last.values()]
            if len(lost) > self._told.get(name, 0):
                return self._silent(name, lost, history)
        return None

    def _silent(self, name: str, lost: list[str], history: History) -> Breach:
        first, told = self.taken[lost[0]], self._told.get(name, 0)
        dark = self.dark(name, first)
        values = {"who": name.title(), "lost": len(lost), "told": told, "msg": lost[0], "at": first["t"]}
        values |= {"dark": None if dark is None else history.at(dark)}
        why = "too_few" if told else "no_trouble" if dark is None else "silently"
        return breach_of(why, [dark, first["n"]], **values)
