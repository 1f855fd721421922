"""Names and numbers of topics."""

import re

import pytest

from quart_app.client.topics import Topics


@pytest.mark.parametrize("name", ["", "/", "a/", "/a", "a//b", "a b", "año", "x" * 129, ".", "log/..", "./a"])
def test_a_bad_name_is_told(name: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"not a topic name: {name!r} (a name is segments of")):
        Topics([name], known=False)


def test_none_and_too_many_are_told() -> None:
    with pytest.raises(ValueError, match="1 to 100"):
        Topics([], known=False)
    with pytest.raises(ValueError, match="1 to 100"):
        Topics([f"t{number}" for number in range(101)], known=False)
    full = Topics([f"t{number}" for number in range(100)], known=False)
    with pytest.raises(ValueError, match="at most 100"):
        full.add("one-more")


def test_the_last_one_stays() -> None:
    topics = Topics(["a"], known=False)
    with pytest.raises(ValueError, match="close the client"):
        topics.drop("a")


def test_the_user_s_cursor_applies_to_all_topics_asked_for() -> None:
    assert Topics(["a", "b"], known=True).fresh == ()
    assert Topics(["a", "b"], known=False).fresh == ("a", "b")


def test_each_welcome_is_owed_once() -> None:
    topics = Topics(["a", "b"], known=False)
    topics.expect(topics.wanted)
    assert [topics.welcomed(topic) for topic in ("a", "a", "c", "b")] == [True, False, False, True]
