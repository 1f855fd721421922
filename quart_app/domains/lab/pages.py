"""The pages of the laboratory: the list of lessons, a lesson, and its sheet for the teacher."""

import gzip
from typing import Final

from quart import Blueprint, render_template

from quart_app.domains.lab.asking import request_for
from quart_app.domains.lab.shown import OwnRun, given, outcome
from quart_app.lab.laboratory import Laboratory
from quart_app.lab.lesson import Lesson, lessons
from quart_app.lab.texts import words, written
from quart_app.realtime import Refused
from quart_app.web.context import speaker
from quart_app.web.i18n import current_language

_EXPLAINED: Final = ("explain_1", "explain_2", "explain_3", "diff")  # as many as a lesson has


def pages(laboratory: Laboratory) -> Blueprint:
    """Return `/lab`, `/lab/<slug>` and `/lab/<slug>/sheet`."""
    shown = _Pages(laboratory)
    blueprint = Blueprint("lab_pages", __name__, template_folder="templates")
    blueprint.get("/lab")(shown.index)
    blueprint.get("/lab/<slug>")(shown.lesson)
    blueprint.get("/lab/<slug>/sheet")(shown.sheet)
    return blueprint


class _Pages:
    def __init__(self, laboratory: Laboratory) -> None:
        self._laboratory = laboratory
        self._own: dict[Lesson, OwnRun] = {}

    async def index(self) -> str:
        """List the lessons."""
        speaker()
        language = current_language()
        listed = [(lesson, words(language, lesson.folder)) for lesson in lessons()]
        return await render_template("lab/index.html", lessons=listed)

    async def lesson(self, slug: str) -> str:
        """Show a lesson, with what its own run came to for who has no script."""
        return await self._shown("lab/lesson.html", slug)

    async def sheet(self, slug: str) -> str:
        """Show what a teacher has to know of a lesson, on one sheet of paper."""
        return await self._shown("lab/sheet.html", slug)

    async def _shown(self, template: str, slug: str) -> str:
        speaker()
        lesson, language = _lesson(slug), current_language()
        say = words(language, lesson.folder)
        run = await self._own_run(lesson)
        shown = given(lesson, say, language)
        *naive, ours = [strategy["title"] for strategy in shown["strategies"]]
        knobs = {knob.name: knob.default for knob in lesson.knobs}
        return await render_template(
            template,
            lesson=lesson,
            say=say,
            given=shown,
            naive=written(naive, language),
            ours=ours,
            setup=say("setup", **knobs),
            figures=run.figures,
            explained=[key for key in _EXPLAINED if key in shown["texts"]],
            played=[outcome(played, say) for played in run.played],
        )

    async def _own_run(self, lesson: Lesson) -> OwnRun:
        """Return the lesson's own run, which is always the same."""
        run = self._own.get(lesson)
        if run is None:
            ran = await self._laboratory.run(request_for(lesson))
            run = self._own[lesson] = OwnRun.of(gzip.decompress(ran.gzipped))
        return run


def _lesson(slug: str) -> Lesson:
    for lesson in lessons():
        if lesson.slug == slug:
            return lesson
    raise Refused("not_found", "there is no such lesson", status=404)
