"""Rules about the ways on which messages come: whether they are quick, and whether they are used for nothing."""

from typing import Final

from quart_app.lab.checker.history import Happened, History
from quart_app.lab.checker.rules.rule import Rule, breach_of
from quart_app.lab.checker.verdict import Breach

PROMPT: Final = 0.5
"""The time within which something has to be shown that was written (s)."""
EMPTY: Final = 5
"""The answers without anything that somebody may get."""


class Prompt(Rule):
    """What is written is shown within PROMPT seconds."""

    def __init__(self) -> None:
        super().__init__()
        self._written: dict[str, int] = {}
        """By name, the event in which it was written, of what is not shown yet; the oldest first."""
        self._seen = 0

    def look(self, event: Happened, history: History) -> Breach | None:
        if event["do"] == "commit":
            self._written[event["msg"]] = event["n"]
            self._seen += 1
        elif event["do"] == "show" and event["msg"] in self._written:
            written = self._written.pop(event["msg"])
            waited = event["t"] - history.at(written)
            if waited > PROMPT:
                values = {"msg": event["msg"].lstrip("l"), "at": history.at(written), "waited": float(waited)}
                return breach_of("late", [written, event.get("of"), event["n"]], **values)
        return self._missing(event, history)

    def _missing(self, event: Happened, history: History) -> Breach | None:
        name, written = next(iter(self._written.items()), ("", event["n"]))
        if event["do"] != "done" or event["t"] - history.at(written) <= PROMPT:
            return None
        return breach_of("missing", [written, event["n"]], msg=name.lstrip("l"), at=history.at(written))

    def looked_at(self, history: History) -> int:
        return self._seen

    def waits_for(self, history: History) -> tuple[str, ...]:
        return tuple(name.lstrip("l") for name in self._written)


class FewEmpty(Rule):
    """At most EMPTY times does somebody who asks get an answer with nothing in it."""

    def __init__(self) -> None:
        super().__init__()
        self._answers = 0
        self._empty: list[int] = []

    def look(self, event: Happened, history: History) -> Breach | None:
        if event["do"] != "ack":
            return None
        self._answers += 1
        if not event["text"]:
            self._empty.append(event["n"])
        if len(self._empty) <= EMPTY:
            return None
        asked = [one["n"] for one in history.events[self._empty[-1] :: -1] if one.get("what") == "ask"][:1]
        return breach_of(
            "empty", [*asked, event["n"]], at=float(event["t"]), asks=self._answers, empty=len(self._empty)
        )

    def looked_at(self, history: History) -> int:
        return self._answers

    def waits_for(self, history: History) -> tuple[str, ...]:
        return ()
