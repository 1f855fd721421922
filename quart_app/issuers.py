"""Whom a door believes beside itself: an issuer of access tokens, a provider that people sign in with, and the rules by
which their claims let somebody in. This is data alone; who asks an issuer for its keys is not its business.

Errors: `TypedError` for the text of a rule that cannot be one.
"""

import re
from typing import Final
from urllib.parse import unquote, urlsplit

import msgspec

from quart_app.typed import TypedError
from quart_app.wire import is_topic_pattern

RULES_MAY_BE: Final = (
    "<claim>=<value>:<role>, then, where it is for some topics only, :<topics> with a + between them; a ; between two "
    "rules, and a * in a value for anything, such as groups=teachers:admin;email=*@school.edu:user:rooms/1+log/class/*"
)
"""What the text of the rules may be."""

_RULE: Final = re.compile(
    r"(?P<claim>[^=\s]+)\s*=\s*(?P<value>[^:]+?)\s*:\s*(?P<role>[^\s:]{1,64})(?:\s*:\s*(?P<topics>\S+))?"
)
_ROLE: Final = re.compile(r"[\w.-]+")


class Rule(msgspec.Struct, frozen=True):
    """A rule: whoever has a `value`, as in file names, in the `claim` has the `role`, for all `topics` or for these."""

    claim: str
    value: str
    role: str
    topics: tuple[str, ...] = ()


class Issuer(msgspec.Struct, frozen=True, kw_only=True):
    """An issuer of access tokens: `name` is their ``iss``, `audience` the ``aud`` of those that are for us.

    It publishes its keys at `keys_url`. Its tokens let in whom the `rules` let in.
    """

    name: str
    audience: str
    keys_url: str
    rules: tuple[Rule, ...] = ()


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """An OpenID provider, at which people who want to come in sign in.

    It knows us as `client_id`, and by `client_secret` where it gave us one. `rules` say whom of its people we let in.
    """

    issuer: str
    client_id: str
    client_secret: str | None = None
    rules: tuple[Rule, ...] = ()

    def __repr__(self) -> str:
        """Show the provider without the secret."""
        return f"Provider({self.issuer})"

    @property
    def host(self) -> str:
        """The name under which people know the provider, such as `accounts.google.com`."""
        return urlsplit(self.issuer).netloc


def read_rule(text: str) -> Rule:
    """Return the rule that `text` describes, as `RULES_MAY_BE` tells; `%3A` and `%3B` stand for : and ; in a value.
    Raise `TypedError`."""
    match = _RULE.fullmatch(text)
    if match is None:
        raise TypedError("a rule", text, RULES_MAY_BE)
    if not _ROLE.fullmatch(match["role"]):
        may_be = "one word, such as user or admin; between two rules there is a ;"
        raise TypedError("the role of a rule", match["role"], may_be)
    topics = tuple(match["topics"].split("+")) if match["topics"] else ()
    for topic in topics:
        if not is_topic_pattern(topic):
            raise TypedError("a topic of a rule", topic, "a topic, such as rooms/1 or log/class/*")
    return Rule(match["claim"], unquote(match["value"]), match["role"], topics)
