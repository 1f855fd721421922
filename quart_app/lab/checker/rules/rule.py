"""What a rule is."""

from collections.abc import Iterable
from typing import Any

from quart_app.lab.checker.history import Happened, History
from quart_app.lab.checker.verdict import MOST_SHOWN, Breach, State, Verdict


class Rule:
    """A rule. What `look` returns is its counter-example; it keeps the first."""

    def __init__(self) -> None:
        self.breach: Breach | None = None

    def see(self, event: Happened, history: History) -> None:
        """Look at a run after an event, which `history` has."""
        if self.breach is None:
            self.breach = self.look(event, history)

    def look(self, event: Happened, history: History) -> Breach | None:
        """Return the counter-example that an event makes, None where it makes none."""
        raise NotImplementedError

    def end(self, history: History) -> Breach | None:
        """Return the counter-example that shows only now, at the end of the run, None where there is none."""
        return None

    def looked_at(self, history: History) -> int:
        """Return of how many things it has judged: the messages that were sent."""
        return history.sent

    def waits_for(self, history: History) -> tuple[str, ...]:
        """Return the names of what may still break it: the messages of which more may come."""
        return history.unsettled()

    def verdict(self, history: History) -> Verdict:
        """Return what is known at the end of a run."""
        seen, breach = self.looked_at(history), self.breach or self.end(history)
        if breach is not None:
            return Verdict(self.name(), State.BROKEN, seen, breach=breach)
        waiting = self.waits_for(history)
        return Verdict(self.name(), State.OPEN if waiting else State.HOLDS, seen, waiting)

    @classmethod
    def name(cls) -> str:
        """Return its name, as lessons have it: nothing_lost for NothingLost."""
        return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in cls.__name__).lstrip("_")


def breach_of(why: str, numbers: Iterable[int | None], **values: Any) -> Breach:
    """Return a counter-example: the events that there are, in order, each once; `values` fill its sentence."""
    shown = sorted({number for number in numbers if number is not None})
    return Breach(why, values, tuple(shown[:MOST_SHOWN]))
