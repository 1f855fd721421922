"""Coming in with a token, from a link or from the form of the page that asks for it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from quart_app.config import load_settings
from quart_app.identity import issue_token
from quart_app.realtime.clients.identity import Identity
from tests.running import ServerProcess
from tests.secure import SECURE, browser, form_of


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path_factory.mktemp("secure"), **SECURE).start()
    yield server
    server.check_clean_end()


@pytest.fixture
def visitor(secure: ServerProcess) -> Iterator[httpx.Client]:
    with browser(secure.url) as visitor:
        yield visitor


def token(who: Identity = Identity("7", "Ana"), hours: int = 1) -> str:  # noqa: B008 - frozen
    return issue_token(load_settings(**SECURE).front, who, timedelta(hours=hours))


def session_of(visitor: httpx.Client) -> dict[str, Any]:
    """Who the visitor is, as the server sees it."""
    answer = visitor.get("/api/session")
    assert answer.status_code == 200
    return dict(answer.json()["data"])


def test_the_page_that_asks_who_you_are_takes_a_token(visitor: httpx.Client) -> None:
    asked = visitor.get("/chat")
    assert asked.status_code == 401
    assert 'action="/session"' in asked.text
    assert 'name="next" value="/chat"' in asked.text
    entered = visitor.post("/session", data={"token": token(), "next": "/chat"})
    assert (entered.status_code, entered.headers["Location"]) == (303, "/chat")
    assert visitor.get("/chat").status_code == 200
    assert visitor.get("/api/rooms").status_code == 200


def test_a_bad_token_is_not_kept(visitor: httpx.Client) -> None:
    asked = visitor.post("/session", data={"token": "nonsense", "next": "/chat"}, headers={"Accept-Language": "en"})
    assert asked.status_code == 401
    assert not visitor.cookies
    assert "That token is not good here" in asked.text
    assert form_of(asked.text)["next"] == "/chat"
    assert "That token" not in visitor.get("/chat", headers={"Accept-Language": "en"}).text


def opened(visitor: httpx.Client, path: str, **query: str) -> httpx.Response:
    """The page that a link leads to, which asks."""
    linked = visitor.get(path, params=query)
    assert (linked.status_code, linked.headers["Cache-Control"]) == (303, "no-store")
    return visitor.get(linked.headers["Location"])


def test_a_link_that_carries_a_token_asks_then_lets_in_and_loses_it(visitor: httpx.Client) -> None:
    asked = opened(visitor, "/chat/1", transports="sse", token=token())
    assert (asked.status_code, asked.headers["Cache-Control"]) == (200, "no-store")
    assert "Ana (7)" in asked.text
    assert 'type="module"' not in asked.text, "nothing connects in that name before it is said yes"
    assert "envivo_token" not in visitor.cookies
    assert visitor.get("/chat/1").status_code == 401

    entered = visitor.post("/enter/yes", data=form_of(asked.text))
    assert (entered.status_code, entered.headers["Location"]) == (303, "/chat/1?transports=sse")
    assert visitor.get("/chat/1").status_code == 200
    assert visitor.get("/enter?next=/chat").headers["Location"] == "/chat", "it is asked once"


@pytest.mark.parametrize(("language", "told"), [("en", "You are signed in until"), ("es", "Tu sesión vale hasta el")])
def test_the_page_of_the_session_tells_until_when(visitor: httpx.Client, language: str, told: str) -> None:
    english = {"Accept-Language": language}
    assert told not in visitor.get("/sign-in", headers=english).text
    visitor.post("/session", data={"token": token(), "next": "/"})
    until = session_of(visitor)["expires_at"]
    shown = visitor.get("/sign-in", headers=english).text
    assert f'{told} <time class="number" datetime="{until}">{until[:10]} {until[11:16]} UTC</time>' in shown


def test_the_home_page_tells_a_stranger_to_sign_in(visitor: httpx.Client) -> None:
    for language, told in (("en", "Sign in to see it live"), ("es", "Entra para verlo en vivo")):
        shown = visitor.get("/", headers={"Accept-Language": language}).text
        assert f">{told}</h2>" in shown
        assert 'href="/sign-in?next=/"' in shown
        assert "clap-button" not in shown
        assert 'id="sensors"' not in shown
    visitor.post("/session", data={"token": token(), "next": "/"})
    shown = visitor.get("/").text
    assert "clap-button" in shown
    assert f">{told}</h2>" not in shown


def test_a_link_of_who_is_signed_in_already_asks_nothing(visitor: httpx.Client) -> None:
    visitor.post("/session", data={"token": token(), "next": "/"})
    before, newer = session_of(visitor), token(hours=9)
    linked = visitor.get("/chat", params={"token": newer})
    assert (linked.status_code, linked.headers["Location"]) == (303, "/chat")
    assert session_of(visitor)["expires_at"] > before["expires_at"]
    again = visitor.get("/chat", params={"token": newer})
    assert (again.status_code, again.headers["Location"], again.headers.get("Set-Cookie")) == (303, "/chat", None)


@pytest.mark.parametrize("other", [Identity("8", "Eva"), Identity("7", "Ana", "admin")])
def test_a_link_makes_nobody_somebody_else(visitor: httpx.Client, other: Identity) -> None:
    visitor.post("/session", data={"token": token(), "next": "/"})
    mine = visitor.cookies["envivo_token"]
    asked = opened(visitor, "/chat", token=token(other))
    assert asked.status_code == 200
    assert f"{other.username} ({other.user_id}), con el papel {other.role}" in asked.text
    assert "eres ahora Ana (7), con el papel user" in asked.text
    assert visitor.cookies["envivo_token"] == mine

    form = form_of(asked.text)
    foreign = visitor.post("/enter/yes", data=form, headers={"Origin": "https://evil.example"})
    assert foreign.status_code == 403
    assert visitor.cookies["envivo_token"] == mine
    assert visitor.post("/enter/yes", data=form).status_code == 303
    assert session_of(visitor)["username"] == other.username
    assert session_of(visitor)["role"] == other.role


def test_a_name_on_the_page_that_asks_is_text(visitor: httpx.Client) -> None:
    asked = opened(visitor, "/chat", token=token(Identity("9", "<b>{id}</b>")))
    assert "&lt;b&gt;{id}&lt;/b&gt;" in asked.text


def test_a_link_with_a_bad_token_lets_nobody_in(visitor: httpx.Client) -> None:
    refused = opened(visitor, "/chat", since="0", token="nonsense")
    assert (refused.status_code, refused.url.query) == (401, b"since=0")
    assert 'name="next" value="/chat?since=0"' in refused.text
    assert not visitor.cookies


def test_who_may_not_come_in_is_told_who_they_are_and_may_be_somebody_else(visitor: httpx.Client) -> None:
    visitor.post("/session", data={"token": token(), "next": "/"})
    refused = visitor.get("/clinic/owners?pet=1")
    assert refused.status_code == 403
    assert "Aquí eres Ana (7), con el papel user" in refused.text
    form = form_of(refused.text)
    assert form == {"next": "/clinic/owners?pet=1"}
    vet = token(Identity("9", "Vera", "employee"))
    entered = visitor.post("/session", data={**form, "token": vet})
    assert visitor.get(entered.headers["Location"]).status_code == 200


def test_where_nobody_is_asked_for_a_token_a_refusal_asks_for_none(server: ServerProcess) -> None:
    headers = {"Accept": "text/html", "Origin": "https://evil.example"}
    refused = httpx.post(f"{server.url}/language", data={"language": "es"}, headers=headers)
    assert refused.status_code == 403
    assert "/session" not in refused.text


def test_nobody_is_sent_to_another_site(visitor: httpx.Client) -> None:
    entered = visitor.post("/session", data={"token": token(), "next": "//evil.example/"})
    assert entered.headers["Location"] == "/"


def test_a_token_in_the_address_of_a_program_stays_there(visitor: httpx.Client) -> None:
    assert visitor.get("/api/rooms", params={"token": token()}).status_code == 200
    assert not visitor.cookies


def test_in_open_mode_nobody_is_asked_for_one(server: ServerProcess) -> None:
    refused = httpx.post(f"{server.url}/session", data={"token": token()}, headers={"Accept": "application/json"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "open_mode")
