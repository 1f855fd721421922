"""Names of topics."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quart_app.realtime.limits import TOPIC_NAME_CHARACTERS
from quart_app.wire import is_topic_name


@pytest.mark.parametrize(
    "name",
    ["a", "rooms/1", "user/123", "medical-history", "log/A.b_c-9", "a/b/c/d", "...", "-", "a" * TOPIC_NAME_CHARACTERS],
)
def test_names(name: str) -> None:
    assert is_topic_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "", "/", "/a", "a/", "a//b", "a b", "a\n", "\na", "a\0", "ñ", "rooms/１", "a?b", "a*", "a%2f", "a\\b", "a,b",
        ".", "..", "log/..", "log/.", "../log", "a/../b", "a/./b",
        "a" * (TOPIC_NAME_CHARACTERS + 1), "a/" * 64 + "a",
    ],
)  # fmt: skip
def test_other_texts(name: str) -> None:
    assert not is_topic_name(name)


@given(st.text(max_size=200))
def test_a_name_is_safe_in_a_path_and_in_a_line(name: str) -> None:
    if is_topic_name(name):
        assert re.fullmatch(r"[A-Za-z0-9_./\-]{1,128}", name, re.ASCII)
        assert all(name.split("/"))


@pytest.mark.timeout(5)
def test_a_hostile_name_takes_no_time() -> None:
    assert not is_topic_name("a/" * 1_000_000 + " ")
    assert not is_topic_name("a" * 128 + "/" * 128)
