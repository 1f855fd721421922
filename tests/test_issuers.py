"""The rules by which claims of others let somebody in: how they are read, and what they make of whom."""

import re
from typing import Any

import pytest

from quart_app.config import load_settings
from quart_app.identity import identity_of
from quart_app.issuers import Rule, read_rule
from quart_app.realtime import Refused
from quart_app.typed import TypedError

ANA = {
    "sub": "248289761001",
    "name": "Ana López",
    "preferred_username": "ana",
    "email": "Ana@School.edu",
    "email_verified": True,
    "hd": "school.edu",
    "groups": ["staff", "teachers"],
    "realm_access": {"roles": ["offline_access", "boss"]},
    "https://example.org/roles": ["guide"],
    "age": 41,
    "active": True,
    "urn": "urn:school:teachers;1",
}


def role(rules: str, **changes: Any) -> str | None:
    """The role that the rules give to Ana, with these changes of her claims; None where they do not let her in."""
    try:
        return identity_of({**ANA, **changes}, load_settings(claim_rules=rules).claim_rules).role
    except Refused as refused:
        assert (refused.code, refused.status) == ("forbidden", 403)
        return None


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("groups=teachers:admin", Rule("groups", "teachers", "admin")),
        (" email = *@school.edu : user ", Rule("email", "*@school.edu", "user")),
        (
            "hd=school.edu:student:log/class/*+rooms/1",
            Rule("hd", "school.edu", "student", ("log/class/*", "rooms/1")),
        ),
        ("urn=urn%3Aa%3Bb:user:*", Rule("urn", "urn:a;b", "user", ("*",))),
        ("groups=all teachers:user", Rule("groups", "all teachers", "user")),
    ],
)
def test_a_rule_is_read(text: str, rule: Rule) -> None:
    assert read_rule(text.strip()) == rule


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a=b",
        "=b:user",
        "a=:user",
        "a=b:",
        "a=b:us er",
        "a=b:user:",
        "a=b:user:x y",
    ],
)
def test_what_is_no_rule_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="groups=teachers:admin"):
        read_rule(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("groups=a:user,hd=b:user", "the role of a rule is 'user,hd=b'; it may be one word"),
        ("groups=a:user:log/x+/x", "a topic of a rule is '/x'"),
        ("a=b:u:x:y", "a topic of a rule is 'x:y'"),
    ],
)
def test_the_wrong_word_of_a_rule_is_told(text: str, told: str) -> None:
    with pytest.raises(TypedError, match=re.escape(told)):
        read_rule(text)


@pytest.mark.parametrize(
    ("rules", "given"),
    [
        ("groups=teachers:admin; groups=staff:user", "admin"),
        ("groups=staff:user; groups=teachers:admin", "user"),
        ("groups=students:user", None),
        ("groups=teach:user", None),
        ("groups=teach*:user", "user"),
        ("groups=TEACHERS:user", None),
        ("email=*@school.edu:user", "user"),
        ("email=ana@school.edu:user", "user"),
        ("email=*school.ed:user", None),
        ("hd=school.edu:user", "user"),
        ("realm_access.roles=boss:user", "user"),
        ("realm_access.nothing=boss:user", None),
        ("name.first=Ana:user", None),
        ("https://example.org/roles=guide:user", "user"),
        ("age=41:user", "user"),
        ("active=true:user", "user"),
        ("urn=urn%3Aschool%3Ateachers%3B1:user", "user"),
        ("nobody=*:user", None),
        ("sub=*:user", "user"),
        ("", "user"),
    ],
)
def test_the_first_rule_that_fits_counts(rules: str, given: str | None) -> None:
    assert role(rules) == given


@pytest.mark.parametrize("verified", [False, None, "false", 0, "yes"])
def test_an_address_that_is_not_verified_lets_nobody_in(verified: object) -> None:
    assert role("email=*@school.edu:user", email_verified=verified) is None
    assert role("hd=school.edu:user", email_verified=verified) == "user"
    assert role("", email_verified=verified) == (None if verified is not None else "user")


def test_a_rule_may_name_topics() -> None:
    identity = identity_of(ANA, [Rule("sub", "*", "student", ("log/class/*", "rooms/1"))])
    identity.check_follows("log/class/3")
    identity.check_speaks("rooms/1")
    for check in (identity.check_follows, identity.check_speaks):
        with pytest.raises(Refused):
            check("rooms/2")


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, "Ana López"),
        ({"name": None}, "ana"),
        ({"name": "", "preferred_username": 5}, "Ana@School.edu"),
        ({"name": "A\nna\u202e"}, "Ana"),
        ({"name": "x" * 100}, "x" * 64),
        ({"name": None, "preferred_username": None, "email": None}, "248289761001"),
    ],
)
def test_the_name_is_one_that_can_be_shown(changes: dict[str, Any], name: str) -> None:
    assert identity_of({**ANA, **changes}, [Rule("sub", "*", "user")]).username == name


def test_an_id_that_is_too_long_is_replaced_by_its_hash() -> None:
    def id(sub: str) -> str:
        return identity_of({"sub": sub}, []).user_id

    assert id("x" * 64) == "x" * 64
    long = id("x" * 65)
    assert long.startswith("sub-")
    assert len(long) <= 64
    assert len({id("x" * 65), id("x" * 66), id("a\nb"), id("a\tb"), id("\ud800")}) == 5
    assert id("x" * 65) == long
