"""Rules about looking back: it finds what was there, and nothing is done again by it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from quart_app.lab.checker.history import Happened, History
from quart_app.lab.checker.rules.rule import Rule, breach_of
from quart_app.lab.checker.verdict import Breach


def _sum(facts: Mapping[int, Happened], position: int) -> int:
    return facts[position]["sum"] if position in facts else 0


def _wrong(asked: Happened, shown: Happened, facts: Mapping[int, Happened]) -> Breach | None:
    """Return what is wrong with what was shown, None where it is right."""
    until, changed = asked["until"], asked.get("changed")
    right = _sum(facts, until)
    if changed is not None and changed <= until:
        right += asked["instead"] - facts[changed]["amount"]
    if shown["value"] == right:
        return None
    numbers = [
        *(facts[one]["n"] for one in (until, changed) if one is not None and one in facts),
        asked["n"],
        shown["n"],
    ]
    said = {"until": until, "told": shown["value"], "right": right, "at": shown["t"]}
    if changed is not None:
        return breach_of("what_if", numbers, **said, changed=changed)
    present = shown["value"] == _sum(facts, max(facts, default=0))
    return breach_of("only_present" if present else "differs", numbers, **said)


class ReplayEqualsLive(Rule):
    """A look back to a position shows the sum that there was at it; with a fact changed, that sum with the change."""

    def __init__(self) -> None:
        super().__init__()
        self._facts: dict[int, Happened] = {}
        self._asked: dict[int, Happened] = {}
        """The looks back that nothing was shown of, by their positions."""
        self._looks = 0

    def looked_at(self, history: History) -> int:
        return self._looks

    def waits_for(self, history: History) -> tuple[str, ...]:
        return tuple(map(str, self._asked))

    def look(self, event: Happened, history: History) -> Breach | None:
        match event:
            case {"do": "commit", "pos": position}:
                self._facts[position] = event
            case {"do": "state", "until": until}:
                self._looks += 1
                self._asked[until] = event
            case {"do": "show", "until": until}:
                asked = self._asked.pop(until, event)
                return _wrong(asked, event, self._facts)
            case {"do": "done", "until": until} if until in self._asked:
                asked = self._asked.pop(until)
                return breach_of("no_answer", [asked["n"], event["n"]], until=until)
        return None


@dataclass
class _Fact:
    """A fact: the numbers of the events in which it was stored, and in which what it causes was done."""

    number: int
    done: list[int] = field(default_factory=list)


def _again(name: str, fact: _Fact, crashes: list[int], history: History) -> Breach:
    """Return what it is that something was done again."""
    first, second = fact.done[-2:]
    sent = history.root(second)
    crash = next((one for one in reversed(crashes) if history.root(first) < one < sent), None)
    until = history.events[sent].get("until")
    values = {"msg": name.lstrip("m"), "first": history.at(first), "second": history.at(second)}
    if until is not None:
        return breach_of("rewound", [fact.number, first, sent, second], **values, until=until)
    if crash is not None:
        return breach_of("after_crash", [fact.number, first, crash, sent, second], **values, crash=history.at(crash))
    return breach_of("again", [fact.number, first, sent, second], **values)


def _never(name: str, fact: _Fact, crashes: list[int], history: History, many: int) -> Breach:
    """Return what it is that something was not done, and of how many facts that is so."""
    values = {"msg": name.lstrip("m"), "at": history.at(fact.number), "many": many}
    crash = next((one for one in crashes if one > fact.number), None)
    if crash is None:
        return breach_of("never", [fact.number, len(history.events) - 1], **values)
    return breach_of("skipped", [fact.number, crash, len(history.events) - 1], **values, crash=history.at(crash))


class ReactionOnce(Rule):
    """What a fact causes is done once: not again because it is looked back at, nor because a process begins anew."""

    def __init__(self) -> None:
        super().__init__()
        self._facts: dict[str, _Fact] = {}
        self._waiting: dict[str, None] = {}
        self._crashes: list[int] = []

    def looked_at(self, history: History) -> int:
        return len(self._facts)

    def waits_for(self, history: History) -> tuple[str, ...]:
        return tuple(name.lstrip("m") for name in self._waiting)

    def look(self, event: Happened, history: History) -> Breach | None:
        match event:
            case {"do": "crash"}:
                self._crashes.append(event["n"])
            case {"do": "commit", "pos": _, "msg": name}:
                self._facts[name] = _Fact(event["n"])
                self._waiting[name] = None
            case {"do": "commit", "letter": _, "msg": name} if name in self._facts:
                self._waiting.pop(name, None)
                fact = self._facts[name]
                fact.done.append(event["n"])
                return _again(name, fact, self._crashes, history) if len(fact.done) > 1 else None
            case {"do": "done", "pos": _} if self._waiting:
                name = next(iter(self._waiting))
                return _never(name, self._facts[name], self._crashes, history, len(self._waiting))
        return None
