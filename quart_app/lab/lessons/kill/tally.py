"""What a run of the lesson comes to: of the messages with a ✓, those that are missing."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from quart_app.lab.checker import History
from quart_app.lab.checker.history import Story
from quart_app.lab.running import Played
from quart_app.lab.strip import Cell, Row, Said, Strip


class Death(NamedTuple):
    """A death of the server: `kill` or `power`, and the number of its event."""

    kind: str
    number: int


def deaths(history: History) -> list[Death]:
    """Return the deaths of the server, in order."""
    found: list[Death] = []
    for event in history.events:
        if event["do"] == "crash" and event["lane"] == "disk":
            found.append(Death("power", event["n"]))
        elif event["do"] == "crash" and not (found and history.at(found[-1].number) == event["t"]):
            found.append(Death("kill", event["n"]))
    return found


def is_missing(story: Story) -> bool:
    """Tell whether a message has a ✓ and is nowhere any more."""
    return story.promised is not None and not story.commits and not story.air


def _cell(story: Story) -> Cell:
    if is_missing(story):
        return Cell("✕", "lost", story.name)
    if len(story.commits) > 1:
        return Cell("②", "twice", story.name)
    if story.promised is None:
        return Cell("○" if story.commits else "?", "open", story.name)
    return Cell("●" if story.commits else "◌", "right" if story.commits else "open", story.name)


def _read(events: Iterable[Mapping[str, Any]]) -> History:
    history = History()
    for event in events:
        history.add(event)
    return history


def parts(history: History) -> list[tuple[str, list[Story]]]:
    """Return the messages that had their ✓ before each death, and after the last one those that have it since then or
    wait for it."""
    found: list[tuple[str, list[Story]]] = []
    stories, begin = list(history.stories.values()), -1
    for death in deaths(history):
        found.append((death.kind, [one for one in stories if begin < _given(one, history) < death.number]))
        begin = death.number
    found.append(("rest", [one for one in stories if _given(one, history) > begin]))
    return found


def _given(story: Story, history: History) -> int:
    """Return the number of the event in which the ✓ of a message was given, that of the next one where it was not."""
    return len(history.events) if story.promised is None else int(history.events[story.promised]["of"])


def missing(events: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return the messages that are missing, by the death before which they had their ✓."""
    found: dict[str, list[str]] = {"kill": [], "power": [], "rest": []}
    for kind, stories in parts(_read(events)):
        found[kind] += [story.name for story in stories if is_missing(story)]
    return found


def figures(played: Sequence[Played]) -> dict[str, int]:
    """Return the figures of the lesson's texts, of a run of all its strategies."""
    first, system, _ = (missing(one.events) for one in played)
    return {
        "early_kill": len(first["kill"]),
        "early_power": len(first["power"]),
        "system_kill": len(system["kill"]),
        "system_power": len(system["power"]),
        "message": int(first["kill"][0]),
    }


def strip(events: Iterable[Mapping[str, Any]]) -> Strip:
    """Return the result strip: a cell for each message, a row up to each death."""
    history = _read(events)
    rows = tuple(Row(tuple(map(_cell, stories)), Said(f"row_{kind}")) for kind, stories in parts(history))
    stories = history.stories.values()
    lost = [story.name for story in stories if is_missing(story)]
    promised = sum(story.promised is not None for story in stories)
    return Strip(Said("outcome", {"promised": promised, "missing": len(lost)}), rows, (Said("lost", {"list": lost}),))
