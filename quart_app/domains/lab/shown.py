"""A lesson as its pages show it: for the script as one object, for who has no script in words."""

from typing import Any

from msgspec import to_builtins

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


def outcome(played: dict[str, Any], say: Say) -> dict[str, Any]:
    """Return what a strategy came to, in words: of its JSON in a run."""
    strip = played["frames"][-1]["strip"]
    return {
        "strategy": played["strategy"],
        "outcome": _said(strip["outcome"], say),
        "rows": [row | {"label": _said(row["label"], say) if row["label"] else ""} for row in strip["rows"]],
        "notes": [_said(note, say) for note in strip["notes"]],
        "verdicts": [_verdict(verdict, say) for verdict in played["verdicts"]],
    }


def _said(said: dict[str, Any], say: Say) -> str:
    return say(said["key"], **said["values"])


def _verdict(verdict: dict[str, Any], say: Say) -> dict[str, str]:
    match verdict["state"]:
        case "holds":
            text = say("holds", n=verdict["looked_at"])
        case "open":
            text = say("open", list=verdict["waits_for"])
        case _:
            text = f"{say('broken')}. {_said(verdict['breach'], say)}"
    return {"rule": say(verdict["rule"]), "state": verdict["state"], "text": text}
