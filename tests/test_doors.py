"""Doors: read from a setting, found by an address, and what a proxy's word on an address is worth."""

import ipaddress
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quart_app import resources
from quart_app.config import SettingsError, check_served, doubts, load_settings
from quart_app.doors import GUIDE_KEY, Door, Doors, client_address, enter, read_door

KEY = "a key for tests that nobody is to guess"
PROXY = ipaddress.ip_network("10.0.0.0/8")


def test_all_of_a_door_is_read() -> None:
    text = f"lan=192.168.1.20:8001,secure,key={KEY},hosts=Class.local+10.1.1.1,topics=log/a/*,paths=/ws+/j"
    door = read_door(text)
    assert (door.name, door.host, door.port, door.access) == ("lan", "192.168.1.20", 8001, "secure")
    assert door.hosts == ("class.local", "10.1.1.1")
    assert (door.topics, door.paths) == (("log/a/*",), ("/ws", "/j"))
    assert KEY not in repr(door)


def test_an_address_of_ipv6_is_read() -> None:
    assert read_door("six=[::1]:8001").host == "::1"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x", "a door in {} is 'x'; it may be <name>=<address>:<port>"),
        ("lan=", "the address of the door lan in {} is ''"),
        ("lan=8001", "the address of the door lan in {} is '8001'; it may be <address>:<port>"),
        ("lan=1.2.3.4", "is '1.2.3.4'"),
        ("lan=1.2.3.4:99999", "is '1.2.3.4:99999'"),
        ("front=127.0.0.1:1", "the name of a door in {} is 'front'"),
        ("LAN=127.0.0.1:1", "the name of a door in {} is 'LAN'; it may be small letters"),
        ("lan=127.0.0.1:1,safe", "a word of the door lan in {} is 'safe'; it may be open or secure"),
        ("lan=127.0.0.1:1,open,secure", "a word of the door lan in {} is 'secure'; it may be given once"),
        ("lan=127.0.0.1:1,topics=", "topics= of the door lan in {} is ''; it may be topics, such as"),
        ("lan=127.0.0.1:1,topics=log/a+a b", "topics= of the door lan in {} is 'a b'"),
        ("lan=127.0.0.1:1,paths=/ws+sse", "paths= of the door lan in {} is 'sse'"),
        ("lan=127.0.0.1:1,paths=/ws,/sse", "a word of the door lan in {} is '/sse'"),
        ("lan=127.0.0.1:1,secure,key=", "a word of the door lan in {} is 'key=…'"),
        ("lan=127.0.0.1:1,name=x", "a word of the door lan in {} is 'name=…'"),
        (f"lan=127.0.0.1:1,key={KEY}", "a word of the door lan in {} is 'key=…'; it may be left out"),
        (f"lan=127.0.0.1:1,open,key={KEY}", "an open door asks nobody"),
        (f"lan=127.0.0.1:1,secure,kye={KEY}", "a word of the door lan in {} is 'kye=…'"),
        (f"lan=127.0.0.1:1,secure,key=a,{KEY}", f"({len(KEY)} characters after a comma in key=)"),
    ],
)
def test_the_wrong_word_of_a_door_is_told(text: str, told: str) -> None:
    for typed in (text, (text,)):
        with pytest.raises(SettingsError) as refused:
            load_settings(door=typed)
        assert told.format("ENVIVO_DOOR (--door)") in str(refused.value)
        assert KEY not in str(refused.value)


@pytest.mark.parametrize(
    ("given_settings", "told"),
    [
        ({"door": "lan=192.168.1.20:8001"}, "the address of the door lan is '192.168.1.20'"),
        ({"door": "lan=192.168.1.20:8001,secure"}, "the key of the door lan is not set"),
        ({"door": "lan=127.0.0.1:8001,secure,key=short"}, "the key of the door lan is '(5 characters)'"),
        ({"door": f"lan=192.168.1.20:8001,secure,key={'k' * 40}"}, "not the same few over and over"),
        ({"door": "lan=127.0.0.1:1;lan=127.0.0.1:2"}, "the name of two doors in ENVIVO_DOOR (--door) is 'lan'"),
        ({"host": "192.168.1.20", "access": "secure", "secret_key": "k" * 40}, "not the same few over and over"),
        ({"trusted_proxies": "proxy.example"}, "ENVIVO_TRUSTED_PROXIES"),
        ({"public_url": "example.org"}, "ENVIVO_PUBLIC_URL"),
    ],
)
def test_a_door_that_would_let_in_the_wrong_ones_is_refused(given_settings: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings(**given_settings)
    assert told in str(refused.value)
    assert "short" not in str(refused.value)


REACHED: tuple[dict[str, Any], ...] = (
    {"access": "secure", "public_url": "https://class.example.org"},
    {"access": "secure", "host": "192.168.1.20"},
    {"access": "secure", "door": f"lan=192.168.1.20:8001,secure,key={KEY}"},
    {"door": "lan=192.168.1.20:8001,secure"},
)


@pytest.mark.parametrize("reached", REACHED, ids=["proxy", "host", "another door", "the door"])
@pytest.mark.parametrize(
    ("key", "told"),
    [
        (GUIDE_KEY, f"is '{GUIDE_KEY}'; it may be at least 32 characters that nobody can guess, and not the example"),
        ("a" * 37, "is '(37 characters)'; it may be at least 32 characters"),
    ],
)
def test_a_key_that_others_can_guess_is_refused_where_they_reach_a_door(
    reached: dict[str, Any], key: str, told: str
) -> None:
    with pytest.raises(SettingsError, match=re.escape(f"ENVIVO_SECRET_KEY (--secret-key) {told}")):
        load_settings(**reached, secret_key=key)
    with pytest.raises(SettingsError, match=re.escape(f"ENVIVO_PREVIOUS_KEY (--previous-key) {told}")):
        load_settings(**reached, secret_key=KEY, previous_key=key)
    assert load_settings(access="secure", secret_key=key).secret_key == key, "on this machine alone it may be any"


def test_the_key_that_is_refused_is_the_guide_s() -> None:
    pages = [Path(resources.__file__).parent / "guide" / tongue / "23-secure.md" for tongue in ("en", "es")]
    for page in pages:
        assert f"ENVIVO_SECRET_KEY={GUIDE_KEY}" in page.read_text("utf-8")


@pytest.mark.parametrize(
    ("ignored", "told"),
    [
        ({"oidc_issuer": "https://a.example", "oidc_client_id": "x"}, "ENVIVO_OIDC_ISSUER (--oidc-issuer)"),
        (
            {"jwks_url": "https://a.example/keys", "token_issuer": "a", "token_audience": "b"},
            "ENVIVO_JWKS_URL (--jwks-url)",
        ),
    ],
)
def test_a_provider_that_no_door_asks_is_told(ignored: dict[str, Any], told: str) -> None:
    for others in ({}, {"door": f"a=127.0.0.1:1,secure,key={KEY}"}, {"door": "a=127.0.0.1:1"}):
        with pytest.raises(SettingsError, match=re.escape(f"{told} is 'https://a.example")) as refused:
            check_served(load_settings(**ignored, **others, secret_key=KEY))
        assert "--access secure" in str(refused.value)
    for honest in ({"access": "secure"}, {"door": "a=127.0.0.1:1,secure"}):
        check_served(load_settings(**ignored, **honest, secret_key=KEY))


def test_rules_for_nobody_are_told() -> None:
    with pytest.raises(SettingsError, match=r"ENVIVO_OIDC_ISSUER .* ENVIVO_CLAIM_RULES cannot do without it"):
        check_served(load_settings(access="secure", secret_key=KEY, claim_rules="hd=school.edu:user"))


@pytest.mark.parametrize("network", ["0.0.0.0/0", "::/0"])
def test_to_trust_everybody_as_a_proxy_is_doubted(network: str) -> None:
    [doubt] = doubts(load_settings(trusted_proxies=f"127.0.0.1,{network}"))
    assert f"ENVIVO_TRUSTED_PROXIES (--trusted-proxies) has {network}, which is everybody" in doubt
    assert not [*doubts(load_settings(trusted_proxies="127.0.0.1,10.0.0.0/8"))]


def test_several_doors_are_given_in_one_variable_or_by_one_option_each() -> None:
    both = ("a=127.0.0.1:1", "b=127.0.0.1:2,secure")
    for value in ("; ".join(both), both):
        settings = load_settings(door=value, secret_key=KEY, allowed_origins="https://example.org")
        front, _, secure = settings.doors
        assert (front.name, secure.name, secure.key) == ("front", "b", KEY)
        assert secure.origins == ("https://example.org",)


def test_a_door_is_found_by_the_address_of_its_listener() -> None:
    front, lan, all_of_it = Door(port=8000), Door(name="lan", port=8000), Door(name="all", host="0.0.0.0", port=8002)
    doors = Doors((front, lan, all_of_it))
    doors.bind("lan", [("192.168.1.20", 8000)])
    doors.bind("front", [("127.0.0.1", 8000)])
    assert doors.at(("127.0.0.1", 8000)) is front
    assert doors.at(("192.168.1.20", 8000)) is lan
    assert doors.at(("10.1.1.1", 8002)) is all_of_it
    assert doors.at(("2001:db8::1", 8002)) is None, "IPv6 has ports of its own"
    assert doors.at(("10.1.1.1", 8000)) is None, "nobody comes in where there is no door"
    assert doors.at(None) is None


def test_all_addresses_of_ipv4_and_all_of_ipv6_are_two_doors() -> None:
    four, six = Door(host="0.0.0.0", port=8000), Door(name="six", host="::", port=8000)
    doors = Doors((four, six))
    assert doors.at(("10.1.1.1", 8000)) is four
    assert doors.at(("2001:db8::1", 8000)) is six


def asked(client: str, *forwarded: str, proxies: tuple[Any, ...] = (PROXY,)) -> dict[str, Any]:
    scope: dict[str, Any] = {
        "client": (client, 1),
        "headers": [(b"x-forwarded-for", one.encode()) for one in forwarded],
    }
    enter(scope, Door(proxies=proxies))
    return scope


@pytest.mark.parametrize(
    ("scope", "address"),
    [
        (asked("192.0.2.1", "203.0.113.9"), "192.0.2.1"),
        (asked("10.0.0.1", "203.0.113.9"), "203.0.113.9"),
        (asked("10.0.0.1", "198.51.100.1, 203.0.113.9"), "203.0.113.9"),
        (asked("10.0.0.1", "198.51.100.1", "203.0.113.9, 10.0.0.2"), "203.0.113.9"),
        (asked("10.0.0.1", "203.0.113.9:4711"), "203.0.113.9"),
        (asked("10.0.0.1", "[2001:db8::1]:4711"), "2001:db8::1"),
        (asked("10.0.0.1", "nonsense"), "10.0.0.1"),
        (asked("10.0.0.1", "203.0.113.9, nonsense"), "10.0.0.1"),
        (asked("10.0.0.1"), "10.0.0.1"),
        (asked("10.0.0.1", "203.0.113.9", proxies=()), "10.0.0.1"),
        ({**asked("10.0.0.1"), "client": None}, ""),
    ],
)
def test_the_word_of_a_trusted_proxy_is_taken_and_of_nobody_else(scope: dict[str, Any], address: str) -> None:
    assert client_address(scope) == address


@given(st.lists(st.text(st.characters(max_codepoint=255), max_size=40), max_size=5))
def test_what_a_client_writes_itself_changes_nothing(forged: list[str]) -> None:
    told = [one.encode("latin-1") for one in forged]
    scope = asked("10.0.0.1")
    scope["headers"] = [(b"x-forwarded-for", one) for one in told] + [(b"x-forwarded-for", b"203.0.113.9")]
    assert client_address(scope) == "203.0.113.9"
