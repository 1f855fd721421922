"""Who is speaking: by token, by cookie, by name; and from which site."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import jwt
import pytest

from quart_app.config import Settings
from quart_app.doors import Door, enter
from quart_app.identity import (
    NAME_CHARACTERS,
    accepted_subprotocol,
    check_origin,
    cors_headers,
    identify,
    issue_ticket,
    issue_token,
    read_token,
)
from quart_app.realtime.clients.identity import Identity
from quart_app.realtime.messages.refused import Refused

KEY = "0123456789abcdef0123456789abcdef"
OPEN = Settings(allowed_origins=("https://example.org",))
SECURE = Settings(access="secure", secret_key=KEY, allowed_origins=("https://example.org",))
ANA = Identity("1", "Ana", "moderator")
HOUR = timedelta(hours=1)


@dataclass
class Request:
    scope: dict[str, object] = field(default_factory=dict)
    args: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)


def token(**changes: object) -> str:
    claims = {"sub": "1", "name": "Ana", "role": "moderator", "exp": datetime.now(UTC) + HOUR} | changes
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, KEY, algorithm="HS256")


@pytest.mark.parametrize(
    "request_",
    [
        Request(headers={"Authorization": f"Bearer {token()}"}),
        Request(headers={"Authorization": f"bearer {token()}"}),
        Request(headers={"Sec-WebSocket-Protocol": f"bearer, {token()}"}),
        Request(args={"token": token()}),
        Request(cookies={"envivo_token": token()}),
        Request(args={"token": token(), "user_id": "2", "username": "Eva"}),
        Request(headers={"Authorization": f"Bearer {token()}"}, cookies={"envivo_token": "stale"}),
    ],
)
def test_a_token_speaks_for_its_owner_wherever_it_comes(request_: Request) -> None:
    assert identify(SECURE.front, request_) == ANA


def test_an_issued_token_is_read_back() -> None:
    assert read_token(SECURE.front, issue_token(SECURE.front, ANA, HOUR)) == ANA


@pytest.mark.parametrize(
    "bad",
    [
        None,
        "",
        "x",
        "x" * 5000,
        token(sub=None),
        token(sub=""),
        token(exp=None),
        token(exp=datetime.now(UTC) - HOUR),
        token(name={"a": 1}),
        token(sub="a\x00b"),
        token(name="a\nb"),
        token(name="\ud800"),
        jwt.encode({"sub": "1", "exp": datetime.now(UTC) + HOUR}, KEY[::-1], algorithm="HS256"),
        jwt.encode({"sub": "1", "exp": datetime.now(UTC) + HOUR}, "", algorithm="none"),
        token(iss="another"),
        token(aud="another"),
        token(aud=["another"]),
        jwt.encode({"sub": "1", "exp": datetime.now(UTC) + HOUR}, KEY, algorithm="HS256", headers={"typ": "at+jwt"}),
        token(exp=datetime.now(UTC) + timedelta(days=367)),
        token(iat=datetime.now(UTC) - timedelta(days=366, hours=1), exp=datetime.now(UTC) + HOUR),
        token(topics="rooms/1"),
        token(topics={"subscribe": ["rooms/**"]}),
        token(topics={"subscribe": ["rooms/1"] * 51}),
        issue_ticket(SECURE.front, Identity("1", "Ana", expires_at=int(time.time()) + 3600)),
    ],
    ids=[
        "none",
        "empty",
        "word",
        "too-long",
        "no-sub",
        "empty-sub",
        "no-exp",
        "expired",
        "name-object",
        "sub-nul",
        "name-newline",
        "name-surrogate",
        "other-key",
        "unsigned",
        "issuer",
        "audience",
        "audiences",
        "type",
        "too-long-a-life",
        "too-long-a-life-in-all",
        "topics-text",
        "topics-pattern",
        "topics-many",
        "ticket",
    ],
)
def test_no_other_token_is_believed(bad: str | None) -> None:
    with pytest.raises(Refused) as refused:
        read_token(SECURE.front, bad)
    assert (refused.value.code, refused.value.status) == ("unauthorized", 401)


def test_names_alone_are_not_believed_in_secure_mode() -> None:
    with pytest.raises(Refused):
        identify(SECURE.front, Request(args={"user_id": "1", "username": "Ana"}, cookies={"envivo_user": "Ana"}))


def test_a_token_without_a_name_shows_the_id() -> None:
    assert read_token(SECURE.front, token(name=None, role=None)) == Identity("1", "1", "user")


@pytest.mark.parametrize(
    ("topics", "follows", "speaks"),
    [
        (None, ["rooms/1", "log/a"], ["rooms/1", "log/a"]),
        ({"subscribe": ["*"], "publish": []}, ["rooms/1", "log/a"], []),
        ({"publish": ["log/*"]}, [], ["log/a"]),
        (["log/*"], ["log/a"], ["log/a"]),
        ({}, [], []),
    ],
)
def test_a_token_may_name_its_topics(topics: object, follows: list[str], speaks: list[str]) -> None:
    identity = read_token(SECURE.front, token(topics=topics))
    for topic in ("rooms/1", "log/a"):
        for check, allowed in ((identity.check_follows, follows), (identity.check_speaks, speaks)):
            if topic in allowed:
                check(topic)
            else:
                with pytest.raises(Refused):
                    check(topic)


def test_a_token_names_its_key_and_which_that_is_nobody_finds_out() -> None:
    header = jwt.get_unverified_header(issue_token(SECURE.front, ANA, HOUR))
    assert header["typ"] == "envivo+jwt"
    assert header["kid"] not in KEY
    assert len(header["kid"]) == 12


def test_a_token_lasts_no_longer_than_may_be() -> None:
    with pytest.raises(ValueError, match="ENVIVO_TOKEN_LIFETIME"):
        issue_token(SECURE.front, ANA, timedelta(days=367))


def test_a_token_cannot_be_made_without_a_key() -> None:
    with pytest.raises(ValueError, match="ENVIVO_SECRET_KEY"):
        issue_token(OPEN.front, ANA, HOUR)


@pytest.mark.parametrize(
    ("offered", "accepted"),
    [(None, None), ("bearer, abc", "bearer"), ("bearer", None), ("graphql-ws", None), ("chat, bearer", None)],
)
def test_the_subprotocol_is_accepted_that_carries_a_token(offered: str | None, accepted: str | None) -> None:
    headers = {} if offered is None else {"Sec-WebSocket-Protocol": offered}
    assert accepted_subprotocol(Request(headers=headers)) == accepted


@pytest.mark.parametrize(
    ("request_", "who"),
    [
        (Request(args={"user_id": "1", "username": "Juan"}), ("1", "Juan")),
        (Request(args={"username": " Juan "}), ("Juan", "Juan")),
        (Request(args={"user_id": "1"}), ("1", "1")),
        (Request(cookies={"envivo_user": "user_id=1&username=Mar%C3%ADa"}), ("1", "María")),
        (Request(cookies={"envivo_user": "user_id%3D1%26username%3DMar%C3%ADa"}), ("1", "María")),
        (Request(cookies={"envivo_user": "Mar%C3%ADa"}), ("María", "María")),
        (Request(args={"username": "Juan"}, cookies={"envivo_user": "Eva"}), ("Juan", "Juan")),
    ],
)
def test_in_open_mode_everybody_is_who_they_say(request_: Request, who: tuple[str, str]) -> None:
    identity = identify(OPEN.front, request_)
    assert (identity.user_id, identity.username) == who


def test_two_guests_are_two_people() -> None:
    first, second = identify(OPEN.front, Request()), identify(OPEN.front, Request())
    assert first.user_id.startswith("guest-")
    assert first.username == first.user_id
    assert first.user_id != second.user_id


@pytest.mark.parametrize("name", ["user_id", "username"])
@pytest.mark.parametrize("value", ["x" * (NAME_CHARACTERS + 1), "a\nb", "a\x00b", "a\u202eb"])
def test_a_name_that_cannot_be_shown_is_refused(name: str, value: str) -> None:
    with pytest.raises(Refused) as refused:
        identify(OPEN.front, Request(args={name: value}))
    assert (refused.value.status, list(refused.value.fields or {})) == (400, [name])


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "a.org"},
        {"Host": "a.org", "Origin": "http://a.org"},
        {"Host": "A.org:443", "Origin": "https://a.org"},
        {"Host": "127.0.0.1:8000", "Origin": "http://127.0.0.1:8000"},
        {"Host": "[::1]:8000", "Origin": "http://[::1]:8000"},
        {"Host": "a.org", "Origin": "https://example.org"},
        {"Host": "a.org", "Origin": "https://EXAMPLE.org"},
    ],
)
def test_our_own_pages_listed_sites_and_programs_may_connect(headers: dict[str, str]) -> None:
    check_origin(OPEN.front, Request(headers=headers))


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "a.org", "Origin": "https://evil.org"},
        {"Host": "a.org", "Origin": "https://a.org.evil.org"},
        {"Host": "a.org", "Origin": "http://a.org:8000"},
        {"Host": "a.org", "Origin": "http://example.org"},
        {"Host": "a.org", "Origin": "null"},
        {"Host": "a.org", "Origin": "http://[broken"},
        {"Host": "", "Origin": ""},
        {"Host": "", "Origin": "http://"},
    ],
)
def test_pages_of_other_sites_may_not(headers: dict[str, str]) -> None:
    with pytest.raises(Refused) as refused:
        check_origin(OPEN.front, Request(headers=headers))
    assert (refused.value.code, refused.value.status) == ("origin_not_allowed", 403)


def test_only_listed_sites_may_read_answers() -> None:
    assert cors_headers(OPEN.front, "https://example.org")["Access-Control-Allow-Origin"] == "https://example.org"
    assert cors_headers(OPEN.front, "https://evil.org") == {}
    assert cors_headers(OPEN.front, None) == {}


def test_what_a_user_does_is_on_their_account() -> None:
    assert identify(SECURE.front, Request(args={"token": token(sub="7")})).payer == "7"
    for args in ({}, {"user_id": "7"}):
        assert identify(OPEN.front, Request(args=args)).payer == "", "at an open door it is the machine's owner"


@pytest.mark.parametrize(
    ("client", "args", "payer"),
    [
        ("127.0.0.1", {"user_id": "7"}, ""),
        ("203.0.113.9", {"user_id": "7"}, "7"),
        ("203.0.113.9", {}, "203.0.113.9"),
    ],
)
def test_behind_a_trusted_proxy_an_open_door_has_others_before_it(
    client: str, args: dict[str, str], payer: str
) -> None:
    door = Door(proxies=(ip_network("127.0.0.1"),))
    scope: dict[str, object] = {"client": ("127.0.0.1", 1), "headers": [(b"x-forwarded-for", client.encode())]}
    enter(scope, door)
    assert identify(door, Request(scope=scope, args=args)).payer == payer
