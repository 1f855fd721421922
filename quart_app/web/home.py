"""The home page, the language switch, and the files a browser asks for at the root.

This file owns what a newcomer sees first. Everything live on it comes through the page module, none of it from here.
"""

from typing import Annotated, Literal, NotRequired, TypedDict

from msgspec import Meta
from quart import Blueprint, Response, abort, redirect, render_template
from werkzeug.wrappers import Response as WerkzeugResponse

from quart_app.web.address import local_path
from quart_app.web.context import form
from quart_app.web.i18n import LANGUAGES, remember_language
from quart_app.web.operations import Operation

FORM = "application/x-www-form-urlencoded"


class LanguageForm(TypedDict):
    """The switch in the header of every page."""

    language: Literal["es", "en"]
    next: NotRequired[Annotated[str, Meta(description="A path of this site.", examples=["/chat"])]]


home = Blueprint("home", __name__, template_folder="templates")


@home.get("/")
async def index() -> str:
    """Return the home page."""
    return await render_template("web/home.html")


@home.post("/language")
@Operation(tag="pages", body=LanguageForm, body_type=FORM, answer=None, status=303, answer_type="")
async def language() -> Response:
    """Keep the form's ``language`` ("es" or "en") in a cookie and go back to ``next``, a path of this site."""
    sent = await form()
    chosen = sent.get("language", "")
    if chosen not in LANGUAGES:
        abort(400, f"language must be one of {', '.join(LANGUAGES)}")
    response = Response(status=303, headers={"Location": local_path(sent.get("next", "/"))})
    remember_language(response, chosen)
    return response


@home.get("/favicon.ico")
async def favicon() -> WerkzeugResponse:
    """Send browsers that ask for the icon at the root to where it is."""
    return redirect("/static/favicon.svg", 301)
