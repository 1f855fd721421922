"""What a browser keeps of an attempt to sign in: it is ours, it is of now, and it is nothing else."""

import time
from typing import Any

import jwt
import msgspec
import pytest

from quart_app.doors import Door
from quart_app.providers.attempt import attempt_cookie, new_attempt, seal, unseal
from tests.secure import KEY

DOOR = Door(access="secure", key=KEY)
ATTEMPT = new_attempt("/chat")


def test_an_attempt_comes_back() -> None:
    assert unseal(DOOR, seal(DOOR, ATTEMPT)) == ATTEMPT
    assert new_attempt("/chat") != ATTEMPT


@pytest.mark.parametrize(
    ("header", "changes", "key"),
    [
        ({"typ": "JWT"}, {}, KEY),
        ({"typ": "envivo+jwt"}, {}, KEY),
        ({}, {}, KEY[::-1]),
        ({}, {"exp": 1_000_000_000}, KEY),
        ({}, {"exp": None}, KEY),
        ({}, {"state": None}, KEY),
        ({}, {"next": 5}, KEY),
    ],
    ids=str,
)
def test_nothing_else_is_an_attempt(header: dict[str, str], changes: dict[str, Any], key: str) -> None:
    claims = {**msgspec.structs.asdict(ATTEMPT), "exp": int(time.time()) + 600, **changes}
    claims = {name: value for name, value in claims.items() if value is not None}
    sealed = jwt.encode(claims, key, "HS256", {"typ": "envivo-sign-in+jwt", **header})
    assert unseal(DOOR, sealed) is None


def test_a_door_of_https_has_a_cookie_that_nobody_else_sets() -> None:
    assert attempt_cookie(Door(public_url="https://class.example.org")).startswith("__Host-")
