"""Doors: read from a setting, found by an address, and what a proxy's word on an address is worth."""

import ipaddress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quart_app.config import SettingsError, load_settings
from quart_app.doors import Door, Doors, client_address, enter, read_door

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
    "text",
    [
        "", "lan", "lan=", "lan=8001", "lan=1.2.3.4", "lan=1.2.3.4:99999", "front=127.0.0.1:1", "LAN=127.0.0.1:1",
        "lan=127.0.0.1:1,safe", "lan=127.0.0.1:1,open,secure", "lan=127.0.0.1:1,topics=", "lan=127.0.0.1:1,topics=a b",
        "lan=127.0.0.1:1,paths=ws", "lan=127.0.0.1:1,key=", "lan=127.0.0.1:1,name=x",
    ],
)  # fmt: skip
def test_what_is_no_door_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="address"):
        read_door(text)


@pytest.mark.parametrize(
    ("given_settings", "told"),
    [
        ({"door": "lan=192.168.1.20:8001"}, "the address of the door lan is '192.168.1.20'"),
        ({"door": "lan=192.168.1.20:8001,secure"}, "the key of the door lan is not set"),
        ({"door": "lan=127.0.0.1:8001,secure,key=short"}, "the key of the door lan is '(5 characters)'"),
        ({"door": f"lan=192.168.1.20:8001,secure,key={'k' * 40}"}, "not the same few over and over"),
        ({"door": "lan=127.0.0.1:1;lan=127.0.0.1:2"}, "ENVIVO_DOOR"),
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
