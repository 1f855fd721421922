"""Rules about effects: what was asked for under one key is done once, and money only changes hands."""

from dataclasses import dataclass, field

from quart_app.lab.checker.history import Happened, History
from quart_app.lab.checker.rules.rule import Rule, breach_of
from quart_app.lab.checker.verdict import Breach


@dataclass
class _Deed:
    """What was done for one message: the numbers of the events."""

    effects: list[int] = field(default_factory=list)
    kept: int | None = None
    """Its key was stored."""
    remembered: int | None = None
    """Its key was kept in the memory of a process."""


def _twice(event: Happened, deed: _Deed, crash: int | None, history: History) -> Breach:
    """Return what a second effect is."""
    first, second = deed.effects[-2:]
    crash = crash if crash is not None and crash > first else None
    if history.root(first) == history.root(second):
        why = "moved_twice"
    elif deed.kept is not None:
        why = "not_looked"
    elif crash is None:
        why = "no_key"
    else:
        why = "forgotten" if deed.remembered is not None and deed.remembered < crash else "between"
    values = {"msg": event["msg"].lstrip("r"), "first": history.at(first), "second": history.at(second)}
    if crash is not None:
        values["crash"] = history.at(crash)
    return breach_of(why, [history.root(first), first, deed.kept, deed.remembered, crash, second], **values)


def _none(event: Happened, deed: _Deed, crash: int | None, history: History) -> Breach:
    """Return what an answer without an effect is."""
    name, at = event["msg"].lstrip("r"), history.at(event["n"])
    if deed.kept is None or crash is None or crash < deed.kept:
        return breach_of("never", [event.get("of"), event["n"]], msg=name, at=at)
    times = {"kept": history.at(deed.kept), "crash": history.at(crash), "at": at}
    return breach_of("key_first", [history.root(deed.kept), deed.kept, crash, event["n"]], msg=name, **times)


class _AboutTaken(Rule):
    """A rule that judges what was taken, and waits for what is not done."""

    def looked_at(self, history: History) -> int:
        return len(history.stories)

    def waits_for(self, history: History) -> tuple[str, ...]:
        return tuple(story.name.lstrip("r") for story in history.stories.values() if story.given_up is None)


class EffectsEqualKeys(_AboutTaken):
    """What is asked for under one key, however often, has one effect: not two, and not none once it is answered."""

    def __init__(self) -> None:
        super().__init__()
        self._deeds: dict[str, _Deed] = {}
        self._crash: int | None = None
        """The last one."""

    def look(self, event: Happened, history: History) -> Breach | None:
        number = event["n"]
        if event["do"] == "crash":
            self._crash = number
        if "msg" not in event:
            return None
        deed = self._deeds.setdefault(event["msg"], _Deed())
        match event:
            case {"do": "state", "value": "(#)"}:
                deed.remembered = number
            case {"do": "commit", "kept": _}:
                deed.kept = number
            case {"do": "commit", "amount": _}:
                deed.effects.append(number)
                return _twice(event, deed, self._crash, history) if len(deed.effects) > 1 else None
            case {"do": "done"} if not deed.effects:
                return _none(event, deed, self._crash, history)
        return None


class Conserved(_AboutTaken):
    """When nobody waits for anything, what one side has given is what the other has got."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting = 0
        self._start: int | None = None
        self._left = 0
        self._got = 0
        self._last: int | None = None

    def look(self, event: Happened, history: History) -> Breach | None:
        if "sum" in event:
            self._left, self._last = event["sum"], event["n"]
            self._start = self._left if self._start is None else self._start
        if event["do"] == "take":
            self._waiting += 1
        elif event["do"] == "done":
            self._waiting -= 1
            self._got += event.get("amount", 0)
        if self._waiting or self._start is None or self._left + self._got == self._start:
            return None
        gap = self._start - self._left - self._got
        values = {
            "left": self._left,
            "got": self._got,
            "start": self._start,
            "gap": abs(gap),
            "at": history.at(event["n"]),
        }
        return breach_of("vanished" if gap > 0 else "made", [self._last, event["n"]], **values)
