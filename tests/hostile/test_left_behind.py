"""What stays on a shared computer after its user: no token in the address, in a page or in the history, and no answer
with somebody's data in the cache."""

import re
from collections.abc import Iterator

import httpx
import pytest

from tests.running import ServerProcess
from tests.secure import SECURE, bearer, browser, form_of, token


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path_factory.mktemp("secure"), empty=0, **SECURE).start()
    yield server
    server.check_clean_end()


@pytest.fixture
def visitor(secure: ServerProcess) -> Iterator[httpx.Client]:
    with browser(secure.url) as visitor:
        yield visitor


@pytest.mark.parametrize("path", ["/", "/chat", "/chat/1?since=0", "/nothing/here", "/bank", "/enter", "/connect"])
@pytest.mark.parametrize("present", [None, "7", "8"])
def test_no_page_is_shown_at_an_address_with_a_token(visitor: httpx.Client, path: str, present: str | None) -> None:
    if present is not None:
        visitor.post("/session", data={"token": token(present), "next": "/"})
    offered = token(name="Ana")
    signature = offered.rpartition(".")[2]
    answer = visitor.get(path, params={"token": offered} if "?" not in path else {"since": "0", "token": offered})
    seen = []
    for _ in range(4):
        seen.append(answer)
        if answer.status_code != 303:
            break
        assert "no-store" in answer.headers["Cache-Control"]
        answer = visitor.get(answer.headers["Location"])
    assert seen[0].status_code == 303, "no page was shown at the address with the token"
    for one in seen:
        assert signature not in one.text
        assert signature not in one.headers.get("Location", "")
    for one in seen[1:]:
        assert "token" not in str(one.url)
    for cookie in seen[0].headers.get_list("Set-Cookie"):
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie


def test_an_offer_goes_to_the_page_that_asks_and_is_soon_over(visitor: httpx.Client) -> None:
    offer = visitor.get("/chat", params={"token": token(name="Ana")}).headers["Set-Cookie"]
    assert offer.startswith("envivo_offer=")
    assert "Path=/enter" in offer
    assert int(re.search(r"Max-Age=(\d+)", offer)[1]) <= 600  # type: ignore[index]  # it has one
    assert visitor.get("/chat").status_code == 401, "an offer lets nobody in"
    assert visitor.get("/api/rooms").status_code == 401


def test_an_offer_that_was_changed_meanwhile_is_asked_about_again(visitor: httpx.Client) -> None:
    """Another tab, of somebody who wants others to act in his name, opens his link while the first page asks."""
    mine = visitor.get("/chat", params={"token": token(name="Ana")}, follow_redirects=True)
    visitor.get("/bank", params={"token": token("9", name="Mallory")})
    pressed = visitor.post("/enter/yes", data=form_of(mine.text))
    assert (pressed.status_code, pressed.headers["Location"]) == (303, "/enter?next=%2Fchat")
    assert "envivo_token" not in visitor.cookies
    asked = visitor.get("/enter?next=/chat")
    assert "Mallory (9)" in asked.text
    without = visitor.post("/enter/yes", data={"next": "/chat"})
    assert without.headers["Location"].startswith("/enter")
    assert "envivo_token" not in visitor.cookies


@pytest.mark.parametrize("next", ["//evil.example/", "https://evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_the_page_that_asks_leads_to_no_other_site(visitor: httpx.Client, next: str) -> None:
    assert visitor.get("/enter", params={"next": next}).headers["Location"] == "/"
    visitor.get("/chat", params={"token": token(name="Ana")})
    asked = visitor.get("/enter", params={"next": next})
    assert form_of(asked.text)["next"] == "/"
    entered = visitor.post("/enter/yes", data={**form_of(asked.text), "next": next})
    assert entered.headers["Location"] == "/"


def test_another_site_accepts_no_offer(visitor: httpx.Client) -> None:
    asked = visitor.get("/chat", params={"token": token(name="Ana")}, follow_redirects=True)
    foreign = visitor.post("/enter/yes", data=form_of(asked.text), headers={"Origin": "https://evil.example"})
    assert foreign.status_code == 403
    assert "envivo_token" not in visitor.cookies


DATA = (
    "/api/log?topic=log/a", "/api/topics", "/api/cuentas", "/api/transacciones", "/api/stats", "/api/rooms",
    "/api/rooms/1/messages", "/api/rooms/1/presence", "/api/productos", "/api/productos/1", "/api/sensors",
    "/api/alerts", "/api/employees", "/api/pets", "/api/activity-logs", "/api/connections", "/metrics", "/health",
    "/websocket/status", "/ws/stats", "/poll/rooms/1?wait=0", "/api/nothing",
)  # fmt: skip
PAGES = ("/", "/chat", "/chat/1", "/bank", "/bank/admin", "/products", "/telemetry", "/clinic", "/admin", "/topics",
         "/topics/log/a", "/nothing")  # fmt: skip


@pytest.mark.parametrize("path", DATA + PAGES)
def test_what_carries_data_is_not_kept(secure: ServerProcess, path: str) -> None:
    headers = bearer(token(role="admin")) | {"Accept": "text/html" if path in PAGES else "*/*"}
    answer = httpx.get(f"{secure.url}{path}", headers=headers)
    assert answer.status_code in {200, 404}, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
