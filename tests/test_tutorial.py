"""The guide's *Build your own* is true: followed from top to bottom on a copy of this checkout."""

import json
from collections.abc import Iterator

import httpx
import pytest
from playwright.async_api import expect

from tests.walkthrough import GUIDE, Checkout, blocks
from tests.web.browser import windows_on

# The first of them waits for the whole page to be followed.
pytestmark = pytest.mark.timeout(240)

NAME = "08-build-your-own.md"
TRIP = "Which day for the trip?"


@pytest.fixture(scope="session")  # the window's test comes first, and many others may come before the rest
def followed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """The copy in which everything is done, its server running."""
    checkout = Checkout(tmp_path_factory.mktemp("tutorial"))
    try:
        checkout.follow(GUIDE / "en" / NAME)
        yield checkout
    finally:
        checkout.stop()


def test_the_page_can_be_followed_from_top_to_bottom(followed: Checkout) -> None:
    polls = {poll["id"]: poll for poll in httpx.get(f"{followed.url}/api/polls").json()["data"]}
    assert polls[1]["question"] == TRIP


def test_what_it_has_made_passes_the_linter_to_its_last_file(followed: Checkout) -> None:
    assert "All checks passed!" in followed.run(".venv/bin/python -m ruff check .")


def test_both_languages_have_the_same_code() -> None:
    assert blocks(GUIDE / "es" / NAME) == blocks(GUIDE / "en" / NAME)


def test_the_documents_have_the_new_domain(followed: Checkout) -> None:
    paths = httpx.get(f"{followed.url}/openapi.json").json()["paths"]
    assert paths["/api/polls"].keys() >= {"get", "post"}
    assert "put" in paths["/api/polls/{id}/vote"]
    channels = httpx.get(f"{followed.url}/asyncapi.json").json()["channels"]
    assert "polls" in json.dumps(channels)


@pytest.mark.parametrize(("language", "words"), [("es", "Una pregunta a la clase"), ("en", "A question to the class")])
def test_the_page_opens_with_its_texts_in_both_languages(followed: Checkout, language: str, words: str) -> None:
    page = httpx.get(f"{followed.url}/polls", headers={"Accept-Language": language})
    assert page.status_code == 200
    assert words in page.text
    assert TRIP in page.text
    assert '<a href="/polls" aria-current="page">' in page.text


def test_an_event_arrives_on_an_event_stream(followed: Checkout) -> None:
    with httpx.stream("GET", f"{followed.url}/sse/polls", timeout=10) as stream:
        lines = (line.removeprefix("data: ") for line in stream.iter_lines() if line.startswith("data: "))
        assert json.loads(next(lines))["type"] == "connected"
        vote = {"user_id": "9", "username": "Eva"}
        httpx.put(f"{followed.url}/api/polls/1/vote", params=vote, json={"choice": 0})
        told = json.loads(next(lines))
    assert (told["type"], told["data"]["options"][0]["votes"]) == ("poll", 1)


@pytest.mark.browser
@pytest.mark.usefixtures("chromium")
async def test_two_windows_ask_vote_and_see_the_counts_move(followed: Checkout) -> None:
    async with windows_on(followed.url) as windows:
        ana = await windows.open("/polls?user_id=1&username=Ana")
        luis = await windows.open("/polls?user_id=3&username=Luis")
        await ana.get_by_label("Pregunta", exact=True).fill("¿Café o té?")
        await ana.get_by_label("Respuestas, una por línea").fill("Café\nTé\n")
        await ana.get_by_role("button", name="Preguntar").click()
        asked = luis.locator("li", has_text="¿Café o té?")
        await asked.get_by_role("button", name="Té").click()
        counts = ana.locator("li", has_text="¿Café o té?").locator(".number")
        await expect(counts).to_have_text(["0", "1"])
        await ana.get_by_role("button", name="Preguntar").click()
        await expect(ana.locator("#question-wrong")).to_have_text("Una pregunta tiene de 1 a 200 caracteres.")
