"""One catalogue, two languages, and the visitor's choice between them."""

import re
from pathlib import Path
from string import Formatter

import pytest
from quart.typing import TestClientProtocol as Client

from quart_app.resources import static_folder
from quart_app.web.i18n import CatalogueError, catalogue, choose_language, translate

PACKAGE = Path(__file__).parents[2] / "quart_app"
TEMPLATES = sorted(PACKAGE.glob("**/templates/**/*.html"))
PAGE_MODULES = sorted((static_folder() / "js" / "pages").rglob("*.js"))
# Keys that a page puts together from a name, as in text(`live.${transport}`).
COMPOSED = re.compile(
    r"(badge\.(why|outcome)_\w+|live\.(ws|sse|poll|quota_\w+)|nav\.in_\w+|error\.(title|text)_\d+|home\.rung_\w+"
    r"|telemetry\.(severity|count|alert|closed)_\w+"
    r"|(home|telemetry)\.(temperature|ph|conductivity|water_level)|telemetry\.reservoir_id|chat\.typing_\w+)"
    r"|clinic\.(view|weekday|status|quick|new|edit|field|active|line|refused|notice|invoices?|no|method|did|kind)_\w+"
    r"|systems\.\w+|connect\.(in|needs)_\w+"
    r"|oidc\.(away|lost|not_confirmed|not_let_in)(_text)?"
    r"|admin\.((chart|event|series|kind|quota|address|door_why|door_wrong)_\w+|uptime|memory|cpu|errors)"
    r"|admin\.door_((name|host|port|topics|paths|hosts)(_hint)?|open|secure|token_(name|role))"
    r"|guide\.((limit|part|tag)_\w+|anchor|table|code|note|tip|warning)"
    r"|cluster\.((do|state|link|cut|word|verdict)_[\w-]+|acknowledged|awaited|backplane|connections|database|disordered"
    r"|lag|lines|link|longest_write|missing|pause|peers|position|process|repeated|seen|signals(_sent)?|told_lost|twice"
    r"|writer|written)"
    r"|lab(\d\d)?\.\w+"
    r"|labpage\.((did|fate|kind|rule|sure|trouble)_\w+)"
    r"|bank\.(kind_\w+|(deposit|withdraw)(_amount)?|(clientes|operaciones|conexiones)_\w+)"
)


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def named_in_pages() -> set[str]:
    menu = PACKAGE.glob("domains/*/__init__.py")
    sources = [path.read_text("utf-8") for path in [*TEMPLATES, *PAGE_MODULES, *menu, PACKAGE / "web" / "errors.py"]]
    return {key for source in sources for key in re.findall(r"""["'`]([a-z]+\.[a-z_0-9]+)["'`]""", source)}


def test_both_languages_have_every_text_with_the_same_places() -> None:
    for key, texts in catalogue().items():
        assert texts["es"].strip(), key
        assert texts["en"].strip(), key
        assert places(texts["es"]) == places(texts["en"]), key


def test_every_text_is_used_and_every_used_text_exists() -> None:
    sections = {key.partition(".")[0] for key in catalogue()}
    named = {key for key in named_in_pages() if key.partition(".")[0] in sections}
    whole = {key for key in named if not key.endswith(("_", ".js"))}
    assert whole - set(catalogue()) == set()
    assert {key for key in catalogue() if key not in named and not COMPOSED.fullmatch(key)} == set()


def test_an_unknown_text_is_an_error_and_no_hole_in_the_page() -> None:
    with pytest.raises(CatalogueError, match=r"nothing\.here"):
        translate("nothing.here")


@pytest.mark.parametrize(
    ("cookie", "accepted", "language"),
    [(None, None, "es"), (None, "en", "en"), ("es", "en", "es"), ("en", None, "en"), ("fr", "en", "en")],
)
def test_the_choice_wins_over_the_browser_and_spanish_is_the_last_resort(
    cookie: str | None, accepted: str | None, language: str
) -> None:
    assert choose_language(cookie, accepted) == language


@pytest.mark.parametrize(
    ("header", "language"), [("en-US,en;q=0.9", "en"), ("es-EC", "es"), ("de, en;q=0.5", "en"), ("ja", "es")]
)
async def test_the_page_speaks_what_the_browser_asks_for(client: Client, header: str, language: str) -> None:
    page = await (await client.get("/", headers={"Accept-Language": header})).get_data(as_text=True)
    assert f'<html lang="{language}">' in page
    assert ("Lo que pasa, cuando pasa." in page) == (language == "es")


async def test_the_switch_is_remembered_and_leads_back(client: Client) -> None:
    answer = await client.post("/language", form={"language": "en", "next": "/chat/1?transports=sse"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/chat/1?transports=sse")
    page = await (await client.get("/", headers={"Accept-Language": "es"})).get_data(as_text=True)
    assert "What happens, when it happens." in page


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "//[",
        "/a\r\nX-A: b",
        "evil",
        "",
    ],
)
async def test_the_switch_sends_nobody_to_another_site(client: Client, target: str) -> None:
    answer = await client.post("/language", form={"language": "en", "next": target})
    assert answer.headers["Location"] == "/"


async def test_an_address_of_any_letters_is_come_back_to(client: Client) -> None:
    answer = await client.post("/language", form={"language": "en", "next": "/chat/café 中?a=ñ%20b"})
    assert answer.headers["Location"] == "/chat/caf%C3%A9%20%E4%B8%AD?a=%C3%B1%20b"


async def test_a_language_that_is_not_there_is_refused(client: Client) -> None:
    answer = await client.post("/language", form={"language": "fr", "next": "/"})
    assert answer.status_code == 400
