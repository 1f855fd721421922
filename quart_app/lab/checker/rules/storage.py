"""Rules about what is stored: what was promised stays, and a position has one meaning."""

from typing import Any

from quart_app.lab.checker.history import Happened, History, Story
from quart_app.lab.checker.rules.rule import Rule, breach_of
from quart_app.lab.checker.verdict import Breach


def _who(history: History, story: Story) -> str:
    return str(history.events[story.taken]["lane"]).title()


class AcknowledgedIsKept(Rule):
    """What its sender has a ✓ for is stored, or still in the hands of who will store it."""

    def look(self, event: Happened, history: History) -> Breach | None:
        for story in history.touched:
            if story.promised is not None and not story.commits and not story.air and story.losses:
                return self._forgotten(story, story.promised, history)
        return None

    @staticmethod
    def _forgotten(story: Story, promised: int, history: History) -> Breach:
        loss = story.losses[-1]
        fault, ack = history.fault(loss), history.events[promised]["of"]
        stored = history.events[loss].get("of")
        if stored is not None and history.events[stored]["do"] != "commit":
            stored = None
        shown = [story.taken, stored, ack, promised, fault, loss]
        values: dict[str, Any] = {"msg": story.name, "who": _who(history, story), "acked": history.at(ack)}
        if fault is None:
            return breach_of("lost", shown, **values)
        values["died"] = history.at(fault)
        if stored is None:
            return breach_of("in_memory", shown, **values)
        return breach_of("not_flushed", shown, stored=history.at(stored), **values)

    def end(self, history: History) -> Breach | None:
        for story in history.stories.values():
            if story.promised is not None and not story.commits:
                ack = history.events[story.promised]["of"]
                values = {"msg": story.name, "who": _who(history, story), "acked": history.at(ack)}
                return breach_of("never_stored", [story.taken, ack, story.promised], **values)
        return None

    def looked_at(self, history: History) -> int:
        return sum(story.promised is not None for story in history.stories.values())


class SameLog(Rule):
    """A position means the same to all who are shown it, whenever they are."""

    def __init__(self) -> None:
        super().__init__()
        self._first: dict[tuple[Any, int], Happened] = {}
        self._seen = 0

    def look(self, event: Happened, history: History) -> Breach | None:
        if event["do"] != "show" or "pos" not in event:
            return None
        self._seen += 1
        first = self._first.setdefault((event.get("epoch"), event["pos"]), event)
        return None if first["msg"] == event["msg"] else self._differs(first, event, history)

    @staticmethod
    def _differs(first: Happened, second: Happened, history: History) -> Breach:
        values = {"pos": second["pos"], "was": first["msg"], "now": second["msg"], "first": first["t"]}
        values |= {"saw": str(first["lane"]).title(), "sees": str(second["lane"]).title(), "second": second["t"]}
        for loss in history.stories[first["msg"]].losses:
            stored = history.events[history.events[loss].get("of", loss)]
            if stored["do"] == "commit" and stored["pos"] == second["pos"]:
                fault = history.fault(loss)
                shown = [stored["n"], first["n"], fault, loss, second["n"]]
                return breach_of("used_again", shown, cut=history.at(loss), **values)
        return breach_of("differs", [first["n"], second["n"]], **values)

    def looked_at(self, history: History) -> int:
        return self._seen

    def waits_for(self, history: History) -> tuple[str, ...]:
        return ()
