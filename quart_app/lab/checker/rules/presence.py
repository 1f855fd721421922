"""Rules about who is there: nobody alive counts as gone, and whoever is gone does not count as there for long."""

from typing import Any, Final

from quart_app.lab.checker.history import Happened, History
from quart_app.lab.checker.rules.rule import Rule, breach_of
from quart_app.lab.checker.verdict import Breach

WITHIN: Final = 9
"""The time within which everybody has to know that somebody is gone (s)."""
LATELY: Final = 1.0
"""The time after a trouble in which it still explains a silence (s)."""
TROUBLES: Final = {"pause": "slept", "cut": "moved", "dark": "jammed"}
MENDED: Final = {"resume": "pause", "heal": "cut", "light": "dark"}
DEATHS: Final = {"crash", "stop"}


class _OfPeople(Rule):
    """A rule about people, each with a lane: what befalls them there or on their road, and what others believe of them,
    which is their `state`."""

    def __init__(self) -> None:
        super().__init__()
        self.people: dict[str, str] = {}
        """By lane what is believed: `here` or `gone`."""
        self.deaths: dict[str, Happened] = {}

    def look(self, event: Happened, history: History) -> Breach | None:
        lane, do = event["lane"], event["do"]
        if do == "state":
            self.people[lane] = event["value"]
        elif do in DEATHS:
            self.deaths.setdefault(lane, event)
        return self.judge(event)

    def judge(self, event: Happened) -> Breach | None:
        """Return the counter-example that an event makes, None where it makes none."""
        raise NotImplementedError

    def looked_at(self, history: History) -> int:
        return len(self.people)

    def waits_for(self, history: History) -> tuple[str, ...]:
        return ()


class NoFalseLeave(_OfPeople):
    """Whoever is alive does not count as gone."""

    def __init__(self) -> None:
        super().__init__()
        self._troubles: dict[str, dict[str, tuple[Happened, float | None]]] = {}
        """By lane and kind the last trouble, and when it was over."""

    def judge(self, event: Happened) -> Breach | None:
        lane, do = event["lane"].partition("-")[0], event["do"]
        troubles = self._troubles.setdefault(lane, {})
        if do in TROUBLES:
            troubles[do] = event, None
        elif do in MENDED and MENDED[do] in troubles:
            troubles[MENDED[do]] = troubles[MENDED[do]][0], event["t"]
        elif do == "state" and event["value"] == "gone" and lane not in self.deaths:
            return self._accused(lane, event)
        return None

    def _accused(self, lane: str, event: Happened) -> Breach:
        for do, why in TROUBLES.items():
            trouble, over = self._troubles[lane].get(do, (None, None))
            if trouble is not None and (over is None or event["t"] - over < LATELY):
                values: dict[str, Any] = {"who": lane.title(), "at": event["t"], "since": trouble["t"]}
                return breach_of(why, [trouble["n"], event.get("of"), event["n"]], **values)
        return breach_of("waited", [event.get("of"), event["n"]], who=lane.title(), at=event["t"])


class DeathNoticedWithin(_OfPeople):
    """Whoever is gone counts as gone within WITHIN seconds."""

    def judge(self, event: Happened) -> Breach | None:
        for lane, death in self.deaths.items():
            if self.people.get(lane) == "here" and event["t"] - death["t"] > WITHIN:
                why = "goodbye" if death["do"] == "stop" else "died"
                return breach_of(why, [death["n"], event["n"]], who=lane.title(), at=death["t"], within=WITHIN)
        return None

    def waits_for(self, history: History) -> tuple[str, ...]:
        return tuple(lane.title() for lane in self.deaths if self.people.get(lane) == "here")
