import pytest

from quart_app.domains.chat import rules


@pytest.mark.parametrize("number", [1, 42, 2**63 - 1])
def test_a_room_s_topic_tells_its_number(number: int) -> None:
    assert rules.room_of(rules.topic_of(number)) == number


@pytest.mark.parametrize("topic", ["rooms/0", "rooms/x", "rooms/", "sensors"])
def test_other_topics_are_of_no_room(topic: str) -> None:
    assert rules.room_of(topic) is None


@pytest.mark.parametrize(("name", "topic"), [("1", "rooms/1"), ("rooms/1", None), ("sensors", None), ("1x", None)])
def test_only_digits_are_short_for_a_room(name: str, topic: str | None) -> None:
    assert rules.topic_alias(name) == topic


def test_names_and_descriptions_are_one_line() -> None:
    assert rules.clean_name("  Sala \n de \t espera ") == "Sala de espera"
    assert rules.clean_description(" \n ") == ""
    with pytest.raises(ValueError, match="1 to 80"):
        rules.clean_name("x" * 81)
    with pytest.raises(ValueError, match="at most 200"):
        rules.clean_description("\x07")
