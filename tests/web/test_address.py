"""The address that pages show is the one that the visitor has, also behind a proxy that ends TLS."""

import pytest
from quart.typing import TestClientProtocol as Client

from quart_app.app import create_app
from quart_app.config import load_settings

BEHIND_TLS = {"Host": "class.localhost", "X-Forwarded-Proto": "https"}


@pytest.fixture
def client() -> Client:
    """A client of the whole program, whose stores these pages do without."""
    return create_app(load_settings()).test_client()


@pytest.mark.parametrize("path", ["/connect", "/guide/clients"])
async def test_snippets_are_of_https_where_the_proxy_says_so(client: Client, path: str) -> None:
    page = await (await client.get(path, headers=BEHIND_TLS)).get_data(as_text=True)
    assert "https://class.localhost/static/js/envivo/index.js" in page
    assert "ws://class.localhost" not in page.replace("wss://", "")
    assert "http://class.localhost" not in page


async def test_a_word_that_is_no_scheme_changes_nothing(client: Client) -> None:
    headers = {"Host": "class.localhost", "X-Forwarded-Proto": 'javascript:"'}
    page = await (await client.get("/connect", headers=headers)).get_data(as_text=True)
    assert "http://class.localhost/static" in page
    assert "javascript:" not in page


async def test_the_messages_are_documented_at_the_same_address(client: Client) -> None:
    document = await (await client.get("/asyncapi.json", headers=BEHIND_TLS)).get_json()
    assert {server["protocol"] for server in document["servers"].values()} <= {"wss", "https"}


@pytest.mark.parametrize(("headers", "secure"), [(BEHIND_TLS, True), ({}, False)])
async def test_a_cookie_of_https_goes_over_https_alone(client: Client, headers: dict[str, str], secure: bool) -> None:
    answer = await client.post("/language", form={"language": "en", "next": "/"}, headers=headers)
    assert ("Secure" in answer.headers["Set-Cookie"]) == secure
