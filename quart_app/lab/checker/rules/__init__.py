"""The rules, a file for each kind of thing that they are about."""

from quart_app.lab.checker.rules.leading import LeaderWithin, OnePerTick, TokensNeverFall
from quart_app.lab.checker.rules.messages import NothingLost, OnceEach, SumIs
from quart_app.lab.checker.rules.parted import CounterConverges, OneTicketPerSeat, ReadsAreMarked
from quart_app.lab.checker.rules.rule import Rule
from quart_app.lab.checker.rules.storage import AcknowledgedIsKept, SameLog

__all__ = ["RULES", "Rule"]

_ALL: tuple[type[Rule], ...] = (
    NothingLost,
    OnceEach,
    SumIs,
    AcknowledgedIsKept,
    SameLog,
    OnePerTick,
    TokensNeverFall,
    LeaderWithin,
    OneTicketPerSeat,
    ReadsAreMarked,
    CounterConverges,
)
RULES: dict[str, type[Rule]] = {rule.name(): rule for rule in _ALL}
