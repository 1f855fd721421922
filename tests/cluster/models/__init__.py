"""What commands and events of each domain mean, by the domain's own pure rules, for those who replay a log.

A model carries out the events of a log one by one and says which of them could not be. It knows the states that things
had at each position, so it can tell whether a refusal was right there. What makes an event *the* event of a command is
its mark: something that only one command of a history asks for.
"""

from collections.abc import Mapping
from typing import Any, Final

from tests.cluster.models.bank import Bank
from tests.cluster.models.clinic import Clinic
from tests.cluster.models.model import Mark, Model
from tests.cluster.models.products import Products
from tests.cluster.models.talk import Chat, OpenTopics
from tests.cluster.rows import LogEvent

_KINDS: Final[Mapping[str, type[Model]]] = {
    "bank": Bank,
    "products": Products,
    "clinic": Clinic,
    "chat": Chat,
    "log": OpenTopics,
}


def new_models() -> dict[str, Model]:
    """Return a model of each domain in which nothing has happened yet, by the first part of its commands' names."""
    return {name: kind() for name, kind in _KINDS.items()}


def domain_of(do: str) -> str:
    """Return the domain of a command."""
    return do.partition(".")[0]


def mark_of_command(do: str, asked: dict[str, Any]) -> Mark | None:
    """Return what the durable event that a command makes is known by, None where it makes none."""
    kind = _KINDS.get(domain_of(do))
    return None if kind is None else kind.mark_of_command(do, asked)


def mark_of_event(event: LogEvent) -> Mark | None:
    """Return what a durable event is known by, None where it is none that a command is answered for."""
    return next((mark for kind in _KINDS.values() if (mark := kind.mark_of_event(event)) is not None), None)
