"""The policy a browser is given, and that nothing on our pages needs a weaker one."""

import base64
import hashlib
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest
from quart.typing import TestClientProtocol as Client

from quart_app.resources import static_folder
from tests.running import ServerProcess

TEMPLATES = sorted((Path(__file__).parents[2] / "quart_app").glob("**/templates/**/*.html"))
OURS = [*sorted((static_folder() / "js").glob("**/*.js")), *sorted((static_folder() / "css").glob("*.css"))]


class Inline(HTMLParser):
    """Collects what a strict policy would block: inline code, handlers, styles, and foreign addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.blocked: list[str] = []
        self.maps: list[str] = []
        self._script: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self._script = given.get("type", "") if tag == "script" and "src" not in given else None
        self.blocked += [f"{tag} {name}" for name in given if name == "style" or name.startswith("on")]
        self.blocked += [str(given[name]) for name in ("src", "href", "action") if _is_foreign(given.get(name))]
        if tag == "style":
            self.blocked.append(tag)

    def handle_data(self, data: str) -> None:
        if self._script == "importmap":
            self.maps.append(data)
        elif self._script not in {None, "application/json"}:
            self.blocked.append(data)
        self._script = None


def _is_foreign(address: str | None) -> bool:
    return bool(address) and re.match(r"(?i)(https?:)?//|javascript:|data:", str(address)) is not None


@pytest.mark.parametrize("path", ["/", "/nothing/here", "/static/js/pages/shared/theme.js", "/health", "/api/refused"])
async def test_every_answer_carries_a_policy_without_unsafe_anything(client: Client, path: str) -> None:
    headers = (await client.get(path)).headers
    policy = headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "*" not in policy
    assert policy.startswith("default-src 'none'")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize("path", ["/", "/nothing/here"])
async def test_a_page_has_nothing_inline_but_data_and_the_hashed_import_map(client: Client, path: str) -> None:
    answer = await client.get(path)
    page = Inline()
    page.feed(await answer.get_data(as_text=True))
    assert page.blocked == []
    digest = base64.b64encode(hashlib.sha256(page.maps[0].encode()).digest()).decode()
    assert f"'sha256-{digest}'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_template_is_inline_or_foreign(template: Path) -> None:
    page = Inline()
    source = re.sub(r"\{%.*?%\}|\{#.*?#\}", "", template.read_text("utf-8"), flags=re.DOTALL)
    page.feed(re.sub(r"\{\{.*?\}\}", "x", source, flags=re.DOTALL))
    assert page.blocked == []
    assert source.count("| safe") == source.count("import_map | safe")


def test_nothing_of_ours_fetches_from_elsewhere_or_makes_code_of_text() -> None:
    for path in OURS:
        source = path.read_text("utf-8")
        foreign = r"(?:from|import|url\(|@import)\s*\(?['\"]?(?:https?:)?//"
        assert not re.search(foreign, source), path
        assert not re.search(r"\beval\(|new Function|innerHTML|insertAdjacentHTML|document\.write", source), path


async def test_a_page_may_not_be_kept_by_a_shared_cache(client: Client) -> None:
    answer = await client.get("/")
    assert set(answer.headers["Vary"].split(", ")) >= {"Accept-Language", "Cookie"}
    assert "private" in answer.headers["Cache-Control"]


def test_a_policy_that_browsers_would_complain_of_is_not_sent(make_server: Callable[..., ServerProcess]) -> None:
    """Chromium logs an error for `Cross-Origin-Opener-Policy` where the page's origin is not trustworthy."""
    server = make_server(access="secure", secret_key="k" * 40)
    trustworthy = {
        ("localhost:8000", "http"): True,
        ("127.0.0.1", "http"): True,
        ("[::1]:8000", "http"): True,
        ("envivo.localhost", "http"): True,
        ("192.168.1.20:8001", "http"): False,
        ("envivo.example.org", "http"): False,
        ("localhost.example.org", "http"): False,
        ("envivo.example.org", "https"): True,
    }
    sent = {}
    for host, scheme in trustworthy:
        headers = {"Host": host, "X-Forwarded-Proto": scheme, "Accept": "text/html"}
        answers = [httpx.get(f"{server.url}{path}", headers=headers) for path in ("/", "/nothing/here", "/chat")]
        assert [answer.status_code for answer in answers] == [200, 404, 401]
        policies = {answer.headers.get("Cross-Origin-Opener-Policy") for answer in answers}
        assert policies in ({"same-origin"}, {None})
        sent[host, scheme] = policies == {"same-origin"}
    assert sent == trustworthy
