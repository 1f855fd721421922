"""The page of each domain in the guide is true and whole: its requests are answered as it says, nothing is left out."""

import json
import re
import subprocess
from collections.abc import Iterator
from importlib import import_module
from itertools import pairwise
from pathlib import Path

import pytest

from quart_app.realtime import TopicShape
from tests.running import ServerProcess
from tests.walkthrough import ADDRESS, GUIDE, ROOT, Block, blocks, fits

PAGES = {
    "10-chat.md": "chat",
    "11-bank.md": "bank",
    "12-products.md": "products",
    "13-telemetry.md": "telemetry",
    "14-clinic.md": "clinic",
    "15-operations.md": "operations",
    "16-topics.md": "topics",
    "17-sessions.md": "sessions",
}
ANOTHER_KIND = {"lab": "25-laboratory.md"}
"""The laboratory's page begins in the terminal; `tests/domains/lab` asks what it says of REST."""
LANGUAGES = ("en", "es")
DOMAINS = ROOT / "quart_app" / "domains"
# A code that the domain refuses with, wherever it is spelled.
_CODE = re.compile(r"""(?:Refused|__init__|_conflict|_no_room)\(\s*"(\w+)"|code="(\w+)\"""")

of_each_page = pytest.mark.parametrize(("page", "domain"), PAGES.items(), ids=PAGES.values())
in_each_language = pytest.mark.parametrize("language", LANGUAGES)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with the examples of a new database."""
    started = ServerProcess(tmp_path_factory.mktemp("examples"), empty=0).start()
    yield started
    started.check_clean_end()


def text_of(language: str, page: str) -> str:
    return (GUIDE / language / page).read_text("utf-8")


def requests(page: Path) -> list[tuple[Block, Block]]:
    """Return each request of a page that is followed by its answer, with the answer."""
    return [pair for pair in pairwise(blocks(page)) if (pair[0].language, pair[1].language) == ("sh", "json")]


@of_each_page
def test_its_requests_are_answered_as_it_says(server: ServerProcess, page: str, domain: str) -> None:
    told = requests(GUIDE / "en" / page)
    assert told, f"the page of {domain} shows no request"
    for asked, answered in told:
        answer = subprocess.run(
            asked.text.replace(ADDRESS, server.url), shell=True, capture_output=True, text=True, timeout=30, check=True
        )
        assert fits(json.loads(answered.text), json.loads(answer.stdout)), f"{asked.text}{answer.stdout}"


@of_each_page
def test_both_languages_have_the_same_code(page: str, domain: str) -> None:
    english, spanish = (blocks(GUIDE / language / page) for language in LANGUAGES)
    assert english == spanish, domain


@in_each_language
@of_each_page
def test_every_topic_and_every_message_is_told(page: str, domain: str, language: str) -> None:
    text = text_of(language, page)
    topics: tuple[TopicShape, ...] = import_module(f"quart_app.domains.{domain}.events").TOPICS
    names = {topic.name.partition("{")[0] for topic in topics}
    types = {message.type for topic in topics for message in topic.sends if "{" not in message.type}
    assert {name for name in names if f"`{name}" not in text} == set()
    assert {type for type in types if f"`{type}`" not in text} == set()
    assert f"{{{{ operations {domain} }}}}" in text


@in_each_language
@of_each_page
def test_every_refusal_is_told(page: str, domain: str, language: str) -> None:
    found = [_CODE.findall(path.read_text("utf-8")) for path in (DOMAINS / domain).glob("*.py")]
    codes = {first or second for matches in found for first, second in matches}
    assert {code for code in codes if f"`{code}`" not in text_of(language, page)} == set()


@in_each_language
@of_each_page
def test_every_file_of_the_domain_is_told(page: str, domain: str, language: str) -> None:
    files = {path.name for path in (DOMAINS / domain).glob("*.py")} - {"__init__.py"}
    assert {name for name in files if f"`{name}`" not in text_of(language, page)} == set()


def test_every_domain_has_its_page() -> None:
    domains = sorted(path.parent.name for path in DOMAINS.glob("*/__init__.py"))
    assert sorted([*PAGES.values(), *ANOTHER_KIND]) == domains
    pages = [*PAGES, *ANOTHER_KIND.values()]
    assert [page for page in pages if not all((GUIDE / language / page).is_file() for language in LANGUAGES)] == []
