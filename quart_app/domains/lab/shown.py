"""A lesson as its pages show it: for the script as one object, for who has no script in words."""

from typing import Any

import msgspec
from msgspec import Struct, to_builtins
from msgspec.structs import replace

from quart_app.domains.lab.shapes import PlayedTold, VerdictTold
from quart_app.lab.lesson import Lesson, Question
from quart_app.lab.texts import Say, texts


def given(lesson: Lesson, say: Say, language: str) -> dict[str, Any]:
    """Return what a page's script knows of a lesson."""
    return {
        "slug": lesson.slug,
        "number": lesson.number,
        "seed": lesson.seed,
        "lasts": lesson.lasts,
        "lanes": lesson.lanes,
        "strategies": [_strategy(lesson, name, say) for name in lesson.strategies],
        "rules": lesson.rules,
        "knobs": to_builtins(lesson.knobs),
        "acts": lesson.acts,
        "language": language,
        "texts": texts(language, lesson.folder),
        **{name: _question(getattr(lesson, name), name, language, lesson) for name in ("predict", "observe", "quiz")},
    }


def _strategy(lesson: Lesson, name: str, say: Say) -> dict[str, Any]:
    return {
        "name": name,
        "title": say(f"s_{name}"),
        "sub": say(f"s_{name}_sub"),
        "code": lesson.code(name),
        "breaks": lesson.breaks[name],
    }


def _question(question: Question, name: str, language: str, lesson: Lesson) -> dict[str, Any]:
    return {**to_builtins(question), "text": texts(language, lesson.folder)[name]}


class OwnRun(Struct, frozen=True):
    """What the pages say of a run: what fills the texts about it, and of each strategy the last frame and what the
    rules say."""

    figures: dict[str, Any]
    played: list[PlayedTold]

    @classmethod
    def of(cls, text: bytes) -> "OwnRun":
        """Return it, of a lesson's own run as JSON."""
        run = msgspec.json.decode(text, type=cls)
        return cls(run.figures, [replace(one, events=[], frames=one.frames[-1:]) for one in run.played])


def outcome(played: PlayedTold, say: Say) -> dict[str, Any]:
    """Return what a strategy came to, in words."""
    strip = played.frames[-1].strip
    return {
        "strategy": played.strategy,
        "outcome": _said(strip["outcome"], say),
        "rows": [row | {"label": _said(row["label"], say) if row["label"] else ""} for row in strip["rows"]],
        "notes": [_said(note, say) for note in strip["notes"]],
        "verdicts": [_verdict(verdict, say) for verdict in played.verdicts],
    }


def _said(said: dict[str, Any], say: Say) -> str:
    return say(said["key"], **said["values"])


def _verdict(verdict: VerdictTold, say: Say) -> dict[str, str]:
    if verdict.breach is not None:
        text = f"{say('broken')}. {say(verdict.breach.key, **verdict.breach.values)}"
    elif verdict.state == "holds":
        text = say("holds", n=verdict.looked_at)
    else:
        text = say("open", list=verdict.waits_for)
    return {"rule": say(verdict.rule), "state": verdict.state, "text": text}
