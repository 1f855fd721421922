"""What has become of each message so far, as the events of a run tell it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Happened = Mapping[str, Any]


@dataclass
class Story:
    """One message: the numbers of the events that matter to it."""

    name: str
    taken: int
    sends: list[int] = field(default_factory=list)
    air: dict[int, None] = field(default_factory=dict)
    """The last event of each copy of which it is not known what will become."""
    losses: list[int] = field(default_factory=list)
    commits: list[int] = field(default_factory=list)
    promised: int | None = None
    """By which its sender got a ✓."""
    given_up: int | None = None
    """By which its sender has let it be."""


class History:
    """The messages of a run, and what cut their way."""

    def __init__(self) -> None:
        self.events: list[Happened] = []
        self.stories: dict[str, Story] = {}
        self.lost_answers: dict[int, int] = {}
        """By the event that was answered, the one in which the answer was lost."""
        self.touched: list[Story] = []
        """The messages that the last event is about."""
        self.sent = 0

    def add(self, event: Happened) -> None:
        """Take note of an event."""
        self.events.append(event)
        name, do = event.get("msg"), event["do"]
        if do == "take":
            self.stories[event["msg"]] = Story(event["msg"], event["n"])
        story = self.stories.get(name or "")
        self.touched = [story] if story else []
        if do == "crash":
            self._crash(event)
        elif story is not None:
            self._follow(story, event)

    def _follow(self, story: Story, event: Happened) -> None:
        number, cause = event["n"], event.get("of")
        match event["do"]:
            case "send":
                story.sends.append(number)
                story.air[number] = None
                self.sent += 1
            case "arrive" if cause in story.air:
                del story.air[cause]
                story.air[number] = None
            case "arrive" if cause is not None and self.events[cause]["do"] == "ack":
                story.promised = number if story.promised is None else story.promised
            case "commit" | "known":
                if cause in story.air:
                    del story.air[cause]
                if event["do"] == "commit":
                    story.commits.append(number)
            case "lose":
                self._lose(story, number, cause)
            case "done":
                story.given_up = number

    def _lose(self, story: Story, number: int, cause: int | None) -> None:
        """A copy, something stored, or an answer is lost."""
        if cause in story.air:
            del story.air[cause]
            story.losses.append(number)
        elif cause in story.commits:
            story.commits.remove(cause)
            story.losses.append(number)
        elif cause is not None and self.events[cause]["do"] == "ack":
            self.lost_answers[self.events[cause]["of"]] = number

    def _crash(self, event: Happened) -> None:
        """What a node had and has not stored is lost with it."""
        for story in self.stories.values():
            for copy in [one for one in story.air if self.events[one]["lane"] == event["lane"]]:
                del story.air[copy]
                story.losses.append(event["n"])
                self.touched.append(story)

    def unsettled(self) -> tuple[str, ...]:
        """Return the names of the messages of which more may come."""
        return tuple(story.name for story in self.stories.values() if story.air or story.given_up is None)

    def fault(self, loss: int) -> int | None:
        """Return the number of the fault by which something was lost."""
        by: int | None = loss if self.events[loss]["do"] == "crash" else self.events[loss].get("by")
        return by

    def at(self, number: int) -> float:
        """Return when an event was (s)."""
        return float(self.events[number]["t"])

    def root(self, number: int) -> int:
        """Return the number of the sending that an event comes from."""
        while self.events[number]["do"] != "send" and "of" in self.events[number]:
            number = self.events[number]["of"]
        return number
