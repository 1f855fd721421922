"""The menu and the home page link what the visitor may open, and nothing that would turn them away."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from quart_app.config import load_settings
from quart_app.identity import issue_token
from quart_app.realtime.clients.identity import Identity
from tests.running import ServerProcess

SECURE: dict[str, Any] = {"access": "secure", "secret_key": "k" * 40}
EVERYBODY = {"/", "/chat", "/products", "/telemetry", "/lab", "/connect", "/guide"}
CEDULA = "1350509525"  # of an account of the examples
VISITORS = {
    "a stranger": (None, EVERYBODY),
    "a user": (Identity("7", "Ana"), EVERYBODY),
    "a holder of an account": (Identity(CEDULA, "Rosa"), EVERYBODY | {"/bank"}),
    "a teller": (Identity("8", "Eva", "teller"), EVERYBODY | {"/bank"}),
    "an employee": (Identity("9", "Vera", "employee"), EVERYBODY | {"/clinic"}),
    "an administrator": (Identity("1", "Root", "admin"), EVERYBODY | {"/bank", "/clinic", "/admin"}),
}


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path_factory.mktemp("secure"), empty=0, **SECURE).start()
    yield server
    server.check_clean_end()


def links(page: str, part: str) -> set[str]:
    """Return the addresses of the links in an element of a page."""
    (html,) = re.findall(rf"<{part}.*?</{part}>", page, re.DOTALL)
    return set(re.findall(r'href="(/[^"]*)"', html))


@pytest.mark.parametrize(("who", "expected"), VISITORS.values(), ids=VISITORS.keys())
def test_what_one_may_not_open_is_not_linked(secure: ServerProcess, who: Identity | None, expected: set[str]) -> None:
    headers = {"Accept": "text/html"}
    if who is not None:
        token = issue_token(load_settings(**SECURE).front, who, timedelta(hours=1))
        headers["Authorization"] = f"Bearer {token}"
    with httpx.Client(base_url=secure.url, headers=headers, follow_redirects=True) as visitor:
        home = visitor.get("/").text
        assert links(home, "nav") == expected
        for paths in re.findall(r'<ul class="systems.*?</ul>', home, re.DOTALL):
            assert set(re.findall(r'href="(/[^"]*)"', paths)) <= expected | {"/docs"}
        refused = visitor.get("/nothing/here").text
        assert links(refused, "nav") == expected, "on every page"
        for path in expected:
            status = visitor.get(path).status_code
            assert status == 200 or (status == 401 and who is None), path
        for path in {"/bank", "/clinic", "/admin"} - expected:
            assert visitor.get(path).status_code in {401, 403}, path


def test_in_open_mode_everything_is_linked(server: ServerProcess) -> None:
    home = httpx.get(f"{server.url}/", headers={"Accept": "text/html"}).text
    assert links(home, "nav") == EVERYBODY | {"/bank", "/clinic", "/admin"}
    assert {"/bank", "/clinic", "/admin"} <= links(home, "main")
