"""Rules about a crowd that has been thrown out of a server: how it comes back."""

from typing import Any, Final

from quart_app.lab.checker.history import Happened, History
from quart_app.lab.checker.rules.rule import Rule, breach_of
from quart_app.lab.checker.verdict import Breach

PEAK: Final = 5.0
"""What may come at once, in parts of what the door lets in meanwhile."""
PATIENCE: Final = 60.0
"""The time within which all have to be back (s)."""
IN_VAIN: Final = 5.0
"""The tries in vain that a client may make, on average."""


class _Return(Rule):
    """What has come of the last fall: `outside` are those who are not back, `vain` the tries that nobody let in."""

    def __init__(self) -> None:
        super().__init__()
        self.all = self.outside = self.seen = self.vain = self.refused = 0
        self.door = 0.0
        """How many the door lets in between two events."""
        self.fell = self.entered = self.fall = 0
        """The events of the fall and of the last who came in, and the time of the fall (s)."""
        self.over = False

    def see(self, event: Happened, history: History) -> None:
        match event["do"]:
            case "crash":
                self.all = self.outside = event["clients"]
                self.vain = self.refused = 0
                self.door, self.fall, self.fell = event["rate"] / 10, event["t"], event["n"]
                self.entered = event["n"]
            case "tries":
                self.seen += event.get("tries", 0) + event.get("nobody", 0)
                self.refused += event.get("refused", 0)
                self.vain += event.get("refused", 0) + event.get("nobody", 0)
                self.outside -= event.get("in", 0)
                self.entered = event["n"] if event.get("in") else self.entered
            case "end":
                self.over = True
        super().see(event, history)

    def looked_at(self, history: History) -> int:
        return self.seen

    def waits_for(self, history: History) -> tuple[str, ...]:
        return (str(self.outside),) if self.outside and not self.over else ()

    def broken(self, why: str, event: Happened, **values: Any) -> Breach:
        """Return a counter-example that ends with an event."""
        shown = [self.fell, self.entered, event["n"]]
        return breach_of(why, shown, all=self.all, out=self.outside, at=float(event["t"]), **values)


class PeakBelow(_Return):
    """Never do more than PEAK times as many come to the open door as it lets in meanwhile."""

    def look(self, event: Happened, history: History) -> Breach | None:
        tries = event.get("tries", 0)
        if tries <= PEAK * self.door:
            return None
        return self.broken("peak", event, tries=tries, door=round(self.door))


class EverybodyBack(_Return):
    """All are back PATIENCE seconds after the fall."""

    def look(self, event: Happened, history: History) -> Breach | None:
        if not self.outside:
            return None
        if event["do"] == "end" and event["why"] != "late":
            last = float(history.events[self.entered]["t"])
            return self.broken(event["why"], event, last=last, refused=self.refused, tries=self.vain)
        if event["t"] > self.fall + PATIENCE:
            return self.broken("late", event, refused=self.refused, tries=self.vain)
        return None


class FewInVain(_Return):
    """A client makes at most IN_VAIN tries in vain, on average."""

    def look(self, event: Happened, history: History) -> Breach | None:
        if self.vain <= IN_VAIN * self.all:
            return None
        return self.broken("in_vain" if self.refused else "nobody", event, tries=self.vain, refused=self.refused)
