"""Rules about messages: each is stored, once, and the sum of them is right."""

from collections.abc import Iterable
from typing import Any

from quart_app.lab.checker.history import Happened, History, Story
from quart_app.lab.checker.rules.rule import Rule, breach_of
from quart_app.lab.checker.verdict import Breach


def _breach(why: str, story: Story | None, numbers: Iterable[int | None], **values: Any) -> Breach:
    named = {} if story is None else {"msg": story.name.lstrip("p")}
    return breach_of(why, numbers, **named, **values)


class NothingLost(Rule):
    """Whatever is taken is stored, once nobody goes on trying and nothing is in the air."""

    def look(self, event: Happened, history: History) -> Breach | None:
        for story in history.touched:
            if story.given_up is not None and not story.air and not story.commits:
                return self._lost(story, history)
        return None

    @staticmethod
    def _lost(story: Story, history: History) -> Breach:
        if not story.sends:
            return _breach("never_sent", story, [story.taken, story.given_up])
        loss = story.losses[-1] if story.losses else None
        fault = None if loss is None else history.fault(loss)
        send = story.sends[-1]
        shown = [story.taken, send, fault, loss, story.given_up]
        tries = len(story.sends)
        if fault is None:
            return _breach("lost_on_its_way", story, shown, tries=tries)
        when = {"cut": history.at(fault), "sent": history.at(send), "tries": tries}
        if tries > 1:
            return _breach("gave_up", story, shown, **when)
        if history.events[fault]["do"] == "crash":
            return _breach("lost_with_the_node", story, shown, **when)
        return _breach("no_line" if fault < send else "lost_request", story, shown, **when)


class OnceEach(Rule):
    """Nothing is stored twice."""

    def look(self, event: Happened, history: History) -> Breach | None:
        for story in history.touched:
            if event["do"] == "commit" and len(story.commits) > 1:
                return self._twice(story, history)
        return None

    @staticmethod
    def _twice(story: Story, history: History) -> Breach:
        first, second = story.commits[-2:]
        sent, again = history.root(first), history.root(second)
        lost = history.lost_answers.get(first)
        fault = None if lost is None else history.fault(lost)
        shown = [sent, first, fault, lost, again, second]
        values = {
            "first": history.at(first),
            "second": history.at(second),
            "waited": history.at(again) - history.at(sent),
        }
        key = history.events[second].get("key")
        if key is not None and key == history.events[first].get("key"):
            return _breach("key_ignored", story, shown, **values)
        if fault is not None and lost is not None and lost < again:
            why = "lost_with_the_node" if history.events[fault]["do"] == "crash" else "lost_answer"
            return _breach(why, story, shown, cut=history.at(fault), **values)
        return _breach("late_answer" if again > sent else "sent_twice", story, shown, **values)


class SumIs(Rule):
    """The sum that is told is the sum of what is stored."""

    def __init__(self) -> None:
        super().__init__()
        self._sum = 0

    def look(self, event: Happened, history: History) -> Breach | None:
        if event["do"] != "commit":
            return None
        self._sum += event["amount"]
        if event["sum"] == self._sum:
            return None
        story = history.touched[0] if history.touched else None
        return _breach("wrong", story, [event.get("of"), event["n"]], told=event["sum"], right=self._sum)
