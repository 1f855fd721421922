"""Signing in at a real OpenID provider: who comes in, as what, and all the ways in which nobody does."""

import json
import re
import time
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import websockets

from tests.providers.provider import ProviderProcess, Visitor, provider_process
from tests.running import ServerProcess
from tests.secure import SECURE

pytestmark = pytest.mark.node

RULES = "groups=teachers:admin; email=luis@school.edu:student:log/class/*+rooms/1; email=*@school.edu:user"
HOUR = 3600


@pytest.fixture(scope="module")
def provider() -> Iterator[ProviderProcess]:
    with provider_process() as started:
        yield started


@pytest.fixture(scope="module")
def server(provider: ProviderProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("server")
    started = ServerProcess(folder, **SECURE, oidc_issuer=provider.url, oidc_client_id="public", claim_rules=RULES)
    yield started.start()
    started.check_clean_end()


@pytest.fixture
def visitor(server: ServerProcess, provider: ProviderProcess) -> Iterator[Visitor]:
    with Visitor(server.url) as visitor:
        yield visitor
    provider.tell()


def security_lines(server: ServerProcess) -> list[dict[str, Any]]:
    """The lines of the security log so far."""
    return [json.loads(line) for line in (server.folder / "envivo-security.log").read_text().splitlines()]


def words(page: httpx.Response) -> str:
    """The text of a page, without its marks."""
    main = re.search(r"<main.*</main>", page.text, re.DOTALL)
    assert main is not None
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", main[0])).split())


def test_a_teacher_signs_in_and_goes_on_where_she_was(visitor: Visitor, provider: ProviderProcess) -> None:
    asked = visitor.get("/chat/1")
    assert asked.status_code == 401
    host = urlsplit(provider.url).netloc
    assert f"Sign in with {host}" in words(asked)
    link = re.search(r'href="(/session/oidc\?[^"]+)"', asked.text)
    assert link is not None
    address = visitor.get(unescape(link[1])).headers["Location"]
    back = visitor.get(visitor.confirm(address, "ana"))
    assert (back.status_code, back.headers["Location"]) == (303, "/chat/1")
    session = visitor.session
    assert session is not None
    assert (session["user_id"], session["username"], session["role"]) == ("ana", "Ana López", "admin")
    assert session["topics"] is None
    assert visitor.get("/chat/1").status_code == 200


def test_the_session_is_ours_and_lasts_for_half_a_day(visitor: Visitor) -> None:
    back = visitor.sign_in("ana")
    cookies = {line.partition("=")[0]: line for line in back.headers.get_list("Set-Cookie")}
    assert {"HttpOnly", "SameSite=Lax"} <= set(cookies["envivo_token"].split("; "))
    assert "Max-Age=0" in cookies["envivo_sign_in"]
    session = visitor.session
    assert session is not None
    ends = time.strptime(session["expires_at"][:19], "%Y-%m-%dT%H:%M:%S")
    assert 11.9 * HOUR < time.mktime(ends) - time.mktime(time.gmtime()) <= 12 * HOUR


async def test_a_student_finds_the_topics_of_the_rule(server: ServerProcess, visitor: Visitor) -> None:
    visitor.sign_in("luis")
    session = visitor.session
    assert session is not None
    assert (session["role"], session["topics"]["subscribe"]) == ("student", ["log/class/*", "rooms/1"])
    assert visitor.get("/poll/log/class/3", params={"wait": 0}).status_code == 200
    assert visitor.get("/poll/log/other", params={"wait": 0}).status_code == 403
    address = server.url.replace("http", "ws")
    cookie = {"Cookie": f"envivo_token={visitor.cookies['envivo_token']}"}
    async with websockets.connect(f"{address}/ws/rooms/1", additional_headers=cookie) as socket:
        assert '"type":"connected"' in await socket.recv()
        assert visitor.delete("/session").status_code == 200
        await socket.wait_closed()
        assert socket.close_code == 4401
    assert visitor.session is None


def test_the_provider_is_asked_with_proof_of_possession(visitor: Visitor) -> None:
    asked = {name: value[0] for name, value in parse_qs(urlsplit(visitor.begin()).query).items()}
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert asked["scope"] == "openid profile email groups"
    assert asked["redirect_uri"] == f"{visitor.base_url}/session/oidc/back".replace("//session", "/session")
    assert all(len(asked[name]) >= 32 for name in ("state", "nonce", "code_challenge"))
    again = parse_qs(urlsplit(visitor.begin()).query)
    assert all(again[name][0] != asked[name] for name in ("state", "nonce", "code_challenge"))


@pytest.mark.parametrize("login", ["eva", "mallory"])
def test_whom_no_rule_lets_in_is_offered_another_account(server: ServerProcess, visitor: Visitor, login: str) -> None:
    """Mallory has an address of the school, which the provider has not verified."""
    page = visitor.sign_in(login, "/chat")
    assert page.status_code == 403
    assert f"{login}@" in words(page)
    assert "Sign in with another account" in words(page)
    assert visitor.session is None
    [noted] = [line for line in security_lines(server) if f"{login}@" in line["object"]]
    assert (noted["event"], noted["what"], noted["result"]) == ("refused", "sign in", "forbidden")
    another = re.search(r'href="(/session/oidc\?[^"]+)"', page.text)
    assert another is not None
    address = visitor.get(unescape(another[1])).headers["Location"]
    assert parse_qs(urlsplit(address).query)["prompt"] == ["login"]
    assert visitor.get(visitor.confirm(address, "ana")).headers["Location"] == "/chat"


def test_who_cancels_may_begin_again(visitor: Visitor, provider: ProviderProcess) -> None:
    page = visitor.get(visitor.refuse(visitor.begin("/bank")))
    assert page.status_code == 401
    assert f"<title>{urlsplit(provider.url).netloc} does not confirm who you are" in page.text
    assert "Begin again" in words(page)
    assert 'href="/session/oidc?next=/bank"' in page.text


def test_who_is_not_confirmed_again_and_again_does_not_fill_the_logs(server: ServerProcess, visitor: Visitor) -> None:
    back = {"state": parse_qs(urlsplit(visitor.begin()).query)["state"][0], "error": "access_denied\nno"}
    attempt = dict(visitor.cookies)
    before = len(server.log())
    for _ in range(50):
        visitor.cookies.update(attempt)
        assert visitor.get("/session/oidc/back", params=back).status_code == 401
    assert len(server.log()[before:].splitlines()) <= 10
    noted = [line["reason"] for line in security_lines(server) if line["result"] == "not_confirmed"]
    assert 1 <= len(noted) <= 5
    assert "access_denied" in noted[-1]


def test_an_answer_that_was_not_asked_for_is_not_taken(server: ServerProcess, visitor: Visitor) -> None:
    """Nobody can have the browser of somebody else go on as himself."""
    with Visitor(server.url) as mallory:
        his = mallory.confirm(mallory.begin(), "ana")
    assert visitor.get(his).status_code == 400  # the browser has not begun
    visitor.begin()
    page = visitor.get(his)
    assert page.status_code == 400
    assert "Begin again" in words(page)
    assert visitor.session is None


@pytest.mark.parametrize(
    ("cookie", "state"),
    [("", "x"), ("nonsense", "x"), ("a.b.c", ""), (None, "wrong"), (None, "")],
)
def test_a_wrong_state_is_not_taken(visitor: Visitor, cookie: str | None, state: str) -> None:
    back = visitor.confirm(visitor.begin(), "ana")
    if cookie is not None:
        visitor.cookies.delete("envivo_sign_in")
        visitor.cookies.set("envivo_sign_in", cookie, domain="127.0.0.1")
    page = visitor.get(re.sub(r"state=[^&]+", f"state={state}", back))
    assert page.status_code == 400
    assert visitor.session is None


def test_the_cookie_of_an_attempt_is_no_token_and_a_token_no_attempt(visitor: Visitor) -> None:
    back = visitor.confirm(visitor.begin(), "ana")
    attempt = visitor.cookies["envivo_sign_in"]
    bearer = {"Authorization": f"Bearer {attempt}"}
    assert httpx.get(f"{visitor.base_url}/api/session", headers=bearer).status_code == 401
    visitor.get(back)
    visitor.cookies.set("envivo_sign_in", visitor.cookies["envivo_token"], domain="127.0.0.1")
    assert visitor.get(back).status_code == 400


def test_a_code_is_good_once(visitor: Visitor) -> None:
    back = visitor.confirm(visitor.begin(), "ana")
    attempt = visitor.cookies["envivo_sign_in"]
    assert visitor.get(back).status_code == 303
    visitor.post("/session/end")
    assert visitor.get(back).status_code == 400  # the attempt is over
    visitor.cookies.set("envivo_sign_in", attempt, domain="127.0.0.1")
    page = visitor.get(back)
    assert page.status_code == 401
    assert visitor.session is None


def test_a_code_without_its_verifier_is_worth_nothing(server: ServerProcess, visitor: Visitor) -> None:
    """PKCE: a code that was stolen on the way back does not fit the attempt of the thief."""
    with Visitor(server.url) as thief:
        stolen = parse_qs(urlsplit(visitor.confirm(visitor.begin(), "ana")).query)["code"][0]
        state = parse_qs(urlsplit(thief.begin()).query)["state"][0]
        answer = thief.get("/session/oidc/back", params={"code": stolen, "state": state})
        assert answer.status_code == 401
        assert thief.session is None


def test_the_same_id_token_signed_again_is_taken(visitor: Visitor, provider: ProviderProcess) -> None:
    """What the next test shows is due to its lies alone."""
    back = visitor.confirm(visitor.begin(), "ana")
    provider.tell(lie={"aud": ["public"], "azp": "public"})
    assert visitor.get(back).status_code == 303


@pytest.mark.parametrize(
    "lie",
    [
        {"nonce": "of another attempt"},
        {"nonce": None},
        {"aud": "another"},
        {"aud": ["public", "another"]},
        {"aud": ["public", "another"], "azp": "another"},
        {"azp": "another"},
        {"iss": "https://another.example"},
        {"exp": 1_000_000_000},
        {"sub": None},
    ],
    ids=str,
)
def test_an_id_token_that_is_not_for_us_is_not_taken(
    visitor: Visitor, provider: ProviderProcess, lie: dict[str, Any]
) -> None:
    back = visitor.confirm(visitor.begin(), "ana")
    provider.tell(lie=lie)
    page = visitor.get(back)
    assert page.status_code == 401
    assert visitor.session is None


def test_what_is_said_elsewhere_of_somebody_else_does_not_count(visitor: Visitor, provider: ProviderProcess) -> None:
    back = visitor.confirm(visitor.begin(), "eva")
    provider.tell(elsewhere={"sub": "ana", "groups": ["teachers"]})
    assert visitor.get(back).status_code == 401
    back = visitor.confirm(visitor.begin(), "eva")
    provider.tell(elsewhere={"groups": ["teachers"]})
    assert visitor.get(back).status_code == 303


def test_another_one_that_answers_is_not_taken(visitor: Visitor) -> None:
    back = visitor.confirm(visitor.begin(), "ana")
    assert "&iss=" in back
    page = visitor.get(re.sub(r"&iss=[^&]+", "&iss=https%3A%2F%2Fanother.example", back))
    assert page.status_code == 401


def test_the_provider_may_change_its_keys(visitor: Visitor, provider: ProviderProcess) -> None:
    assert visitor.sign_in("ana").status_code == 303
    provider.tell(rotate=True)
    assert visitor.sign_in("ana", anew="1").status_code == 303


def test_while_the_provider_is_broken_people_are_told_to_wait(visitor: Visitor, provider: ProviderProcess) -> None:
    back = visitor.confirm(visitor.begin("/bank"), "ana")
    provider.tell(broken=503)
    page = visitor.get(back)
    assert (page.status_code, page.headers["Retry-After"]) == (503, "2")
    assert "Begin again" in words(page)
    provider.tell()
    assert visitor.sign_in("ana", "/bank").headers["Location"] == "/bank"


def test_the_pages_are_in_both_languages(server: ServerProcess) -> None:
    with Visitor(server.url, "es") as visitor:
        assert "Entrar con 127.0.0.1" in words(visitor.get("/sign-in"))
        page = visitor.get("/session/oidc/back", params={"state": "x"})
        assert "Empezar otra vez" in words(page)


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example", "x" * 2000])
def test_nobody_is_sent_elsewhere(visitor: Visitor, target: str) -> None:
    assert visitor.sign_in("ana", target).headers["Location"] == "/"


@pytest.mark.parametrize("client", ["es", "ed", "secretive"])
def test_other_keys_and_clients_with_a_secret(
    make_server: Callable[..., ServerProcess], provider: ProviderProcess, client: str
) -> None:
    """Without rules everybody comes in whose address is not known to be wrong."""
    more = {"oidc_client_secret": "a secret, which has: signs"} if client == "secretive" else {}
    server = make_server(**SECURE, oidc_issuer=f"{provider.url}/", oidc_client_id=client, **more)
    with Visitor(server.url) as visitor:
        assert visitor.sign_in("eva").status_code == 303
        session = visitor.session
        assert session is not None
        assert (session["username"], session["role"]) == ("Eva", "user")
        assert visitor.sign_in("mallory", anew="1").status_code == 403
    assert "a secret, which has" not in server.log()


def test_a_server_starts_without_its_provider_and_finds_it_later(make_server: Callable[..., ServerProcess]) -> None:
    with provider_process() as provider:
        provider.tell(broken=500)
        server = make_server(**SECURE, oidc_issuer=provider.url, oidc_client_id="public")
        with Visitor(server.url) as visitor:
            page = visitor.get("/session/oidc")
            assert (page.status_code, page.headers["Retry-After"]) == (503, "2")
            assert "does not answer" in words(page)
            assert visitor.get("/sign-in").status_code == 200
            provider.tell()
            began = time.monotonic()
            while visitor.get("/session/oidc").status_code == 503:
                assert time.monotonic() - began < 15
                time.sleep(0.2)
            assert visitor.sign_in("ana").status_code == 303


def test_a_door_with_a_key_of_its_own_has_no_provider(make_server: Callable[..., ServerProcess]) -> None:
    doors = ("--door", "free=127.0.0.1:0", "--door", "own=127.0.0.1:0,secure,key=a key of that door alone for tests")
    server = make_server(*doors, **SECURE, oidc_issuer="https://nobody.invalid", oidc_client_id="x")
    assert "nobody.invalid" in httpx.get(f"{server.url}/sign-in").text
    others = re.findall(r"^En Vivo \((?:free|own)\): (http://\S+)$", server.log(), re.MULTILINE)
    assert len(others) == 2
    for url in others:
        assert "nobody.invalid" not in httpx.get(f"{url}/sign-in").text
        assert httpx.get(f"{url}/session/oidc").status_code == 404


def test_a_program_comes_with_an_access_token_of_the_provider(
    make_server: Callable[..., ServerProcess], provider: ProviderProcess
) -> None:
    server = make_server(
        **SECURE,
        jwks_url=f"{provider.url}/jwks",
        token_issuer=provider.url,
        token_audience="https://envivo.example",
        claim_rules="client_id=program:robot:log/robots/*",
    )

    def ask(audience: str) -> httpx.Response:
        bearer = {"Authorization": f"Bearer {provider.access_token(audience)}"}
        return httpx.get(f"{server.url}/api/session", headers=bearer)

    while (answer := ask("https://envivo.example")).status_code == 503:
        time.sleep(float(answer.headers["Retry-After"]))
    session = answer.json()["data"]
    assert (session["user_id"], session["role"], session["topics"]["publish"]) == ("program", "robot", ["log/robots/*"])
    assert ask("https://another.example").status_code == 401
