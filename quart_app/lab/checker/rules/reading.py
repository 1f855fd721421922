"""Rules about what somebody reads: all that is stored is shown, once, in order."""

from quart_app.lab.checker.history import Happened, History
from quart_app.lab.checker.rules.rule import Rule, breach_of
from quart_app.lab.checker.verdict import Breach


class _Reading(Rule):
    """A rule about the messages that are stored (`commit`) and shown (`show`), by their positions, until `done`."""

    def __init__(self) -> None:
        super().__init__()
        self.stored: dict[int, int] = {}
        """By position, the event in which a message was stored."""
        self.shown: dict[int, int] = {}
        """By position, the event in which it was shown last."""
        self.missing: dict[int, None] = {}
        self.done = False

    def look(self, event: Happened, history: History) -> Breach | None:
        match event["do"]:
            case "commit":
                self.stored[event["pos"]] = event["n"]
                self.missing[event["pos"]] = None
            case "show":
                breach = self.showing(event, history)
                self.shown[event["pos"]] = event["n"]
                self.missing.pop(event["pos"], None)
                return breach
            case "done":
                self.done = True
        return None

    def showing(self, event: Happened, history: History) -> Breach | None:
        """Return the counter-example that it is to show a message now."""
        return None

    def looked_at(self, history: History) -> int:
        return len(self.stored)

    def waits_for(self, history: History) -> tuple[str, ...]:
        return () if self.done else tuple(map(str, self.missing))


class ShownOnce(_Reading):
    """Nothing is shown twice."""

    def showing(self, event: Happened, history: History) -> Breach | None:
        first = self.shown.get(event["pos"])
        if first is None:
            return None
        times = {"first": history.at(first), "second": event["t"]}
        return breach_of("again", [self.stored[event["pos"]], first, event["n"]], msg=event["pos"], **times)


class InOrder(_Reading):
    """Nothing is shown after something that was stored later."""

    def __init__(self) -> None:
        super().__init__()
        self._newest = 0

    def showing(self, event: Happened, history: History) -> Breach | None:
        position, newest = event["pos"], self._newest
        self._newest = max(position, newest)
        if position >= newest or position in self.shown:
            return None
        shown = [self.stored[position], self.stored[newest], self.shown[newest], event["n"]]
        return breach_of("behind", shown, msg=position, after=newest, at=event["t"])


class Complete(_Reading):
    """Whatever is stored is shown, until whoever reads is `done`."""

    def __init__(self) -> None:
        super().__init__()
        self._stands: list[Happened] = []
        """The events in which it got onto a rung, or off."""
        self._faults: list[Happened] = []

    def look(self, event: Happened, history: History) -> Breach | None:
        super().look(event, history)
        if event["do"] == "rung":
            self._stands.append(event)
        elif event["do"] in {"cut", "buffer"}:
            self._faults.append(event)
        elif event["do"] == "done" and self.missing:
            return self._lost(min(self.missing), history)
        return None

    def _lost(self, position: int, history: History) -> Breach:
        stored = history.events[self.stored[position]]
        stood = next((one for one in reversed(self._stands) if one["n"] < stored["n"]), None)
        after = [one for one in self._stands if one["n"] > stored["n"]]
        began = next((one for one in after if one["rung"] != "none"), None)
        ended = after[0] if stood and stood["rung"] != "none" and after else stood
        fault = next((one for one in reversed(self._faults) if ended and one["n"] < ended["n"]), None)
        values = {"msg": position, "at": stored["t"], "lost": len(self.missing)}
        values |= {"ended": ended and ended["t"], "began": began and began["t"], "fault": fault and fault["t"]}
        shown = [one["n"] for one in (stored, ended, began, fault) if one]
        return breach_of(_why(position, stood, began, fault), shown, **values)


def _why(position: int, stood: Happened | None, began: Happened | None, fault: Happened | None) -> str:
    """Return why a message is missing: where its reader stood, when it began on another rung, and after which fault."""
    if began is None:
        return "never_again"
    if began.get("since", position) < position:
        return "not_shown"
    if stood is None:
        return "too_early"
    if stood["rung"] == "none":
        return "between"
    return "not_shown" if fault is None else {"cut": "on_its_way", "buffer": "held_back"}[fault["do"]]
