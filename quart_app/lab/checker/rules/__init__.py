"""The rules, a file for each kind of thing that they are about."""

from quart_app.lab.checker.rules.backlog import HeldBelow, LostIsTold, OthersUnharmed
from quart_app.lab.checker.rules.messages import NothingLost, OnceEach, SumIs
from quart_app.lab.checker.rules.reading import Complete, InOrder, ShownOnce
from quart_app.lab.checker.rules.rule import Rule

__all__ = ["RULES", "Rule"]

RULES: dict[str, type[Rule]] = {
    rule.name(): rule
    for rule in (
        *(NothingLost, OnceEach, SumIs),
        *(Complete, ShownOnce, InOrder),
        *(HeldBelow, OthersUnharmed, LostIsTold),
    )
}
