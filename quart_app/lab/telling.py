"""A run as the page shows it: JSON that has no words of any language, only the keys of texts and what fills them.

Beside the events and verdicts of each strategy it has `frames`: the result strip at the times at which it changes, so
that a page can show any moment of the run without knowing the lesson.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

import msgspec

from quart_app.lab.checker import Verdict
from quart_app.lab.running import Choice, Played, Run, choose
from quart_app.lab.strip import Strip

MOST_LOOKS: Final = 120
"""How often a lesson is asked for the strip of a beginning of a run, for one strategy."""

Event = Mapping[str, Any]


def told(run: Run) -> dict[str, Any]:
    """Return a run as JSON has it. `figures` fill the texts about the lesson's own run, of which alone they are true;
    they are None of another one."""
    choice = run.choice
    return {
        "lesson": choice.lesson.slug,
        "seed": choice.seed,
        "knobs": choice.knobs,
        "strategies": [one.strategy for one in run.played],
        "acts": [str(act) for act in choice.acts],
        "fingerprint": run.fingerprint,
        "figures": choice.lesson.module("tally").figures(run.played) if _is_own(run) else None,
        "played": [_played(choice, one) for one in run.played],
    }


def _is_own(run: Run) -> bool:
    lesson = run.choice.lesson
    return run.choice == choose(lesson) and tuple(one.strategy for one in run.played) == lesson.strategies


def _played(choice: Choice, played: Played) -> dict[str, Any]:
    return {
        "strategy": played.strategy,
        "fingerprint": played.fingerprint,
        "lasts": played.events[-1]["t"] if played.events else 0.0,
        "events": played.events,
        "verdicts": [_verdict(verdict, played.events) for verdict in played.verdicts],
        "frames": frames(played.events, choice.lesson.module("tally").strip),
    }


def _verdict(verdict: Verdict, events: Sequence[Event]) -> dict[str, Any]:
    breach = verdict.breach
    return {
        "rule": verdict.rule,
        "state": verdict.state.value,
        "looked_at": verdict.looked_at,
        "waits_for": verdict.waits_for,
        "breach": breach
        and {
            "key": f"{verdict.rule}_{breach.why}",
            "values": _rounded(breach.values),
            "events": breach.events,
            "t": events[breach.events[-1]]["t"] if breach.events else None,
        },
    }


def frames(events: Sequence[Event], strip: Callable[[Sequence[Event]], Strip]) -> list[dict[str, Any]]:
    """Return the result strips of a run, each with the time (s) from which it is what the run has come to.

    Each is that of a beginning of the run. Where there are more times than strips may be asked for, spans over which
    something has changed are divided first, the longest of them before the others; a change may be dated late then.
    """
    ends = [number for number, (one, other) in enumerate(pairwise(events), 1) if one["t"] != other["t"]]
    ends.append(len(events))

    def look(index: int) -> Any:
        return strip_told(strip(events[: ends[index]]))

    found = {index: look(index) for index in {0, len(ends) - 1}}
    while len(found) < MOST_LOOKS:
        known = sorted(found)
        wide = [span for span in pairwise(known) if span[1] - span[0] > 1]
        if not wide:
            break
        before, after = max(wide, key=lambda span: (found[span[0]] != found[span[1]], span[1] - span[0]))
        middle = (before + after) // 2
        found[middle] = look(middle)
    shown: list[dict[str, Any]] = []
    for index in sorted(found):
        if not shown or shown[-1]["strip"] != found[index]:
            end = ends[index]
            shown.append({"t": events[end - 1]["t"] if end else 0.0, "strip": found[index]})
    return shown


def strip_told(strip: Strip) -> Any:
    """Return a result strip as JSON has it."""
    plain = msgspec.to_builtins(strip)
    for said in (plain["outcome"], *(row["label"] for row in plain["rows"] if row["label"]), *plain["notes"]):
        said["values"] = _rounded(said["values"])
    return plain


def _rounded(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what fills a text, with the one decimal that it is written with."""
    return {name: round(value, 1) if isinstance(value, float) else value for name, value in values.items()}
