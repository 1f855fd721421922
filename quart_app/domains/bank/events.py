"""What happens in the bank, and the topics that tell of it.

Knows neither tables nor sockets.
"""

from typing import ClassVar, Final

import msgspec

from quart_app.domains.bank.shapes import AccountMovement, AccountSummary, Cedula, Dollars, Statistics
from quart_app.realtime import Kind, MessageShape, TopicShape

BALANCES: Final = "balances"
STATS: Final = "stats"
_ACCOUNTS: Final = "accounts/"


class BalanceChanged(msgspec.Struct, frozen=True):
    """What is in an account after a change that is committed."""

    type: ClassVar[str] = "balance_updated"

    cedula: Cedula
    balance: Dollars


class StatsUpdated(msgspec.Struct, frozen=True, kw_only=True):
    """The counters of the moment."""

    type: ClassVar[str] = "stats_updated"

    success: bool = True
    estadisticas: Statistics


def account_topic(cedula: str) -> str:
    """The topic of an account."""
    return f"{_ACCOUNTS}{cedula}"


def cedula_of(topic: str) -> str:
    """What stands for the account in the name of its topic; whether there is such an account is another question."""
    return topic.removeprefix(_ACCOUNTS)


_CHANGED = MessageShape(
    BalanceChanged.type,
    "After each committed deposit, withdrawal or opening; `transaccion` is the movement that did it.",
    data=BalanceChanged,
    fields={"transaccion": AccountMovement},
)

TOPICS: Final = (
    TopicShape(
        "accounts/{cedula}",
        "One account.",
        Kind.DURABLE,
        sends=(
            MessageShape("connected", "The account as it is where the stream begins.", data=AccountSummary),
            _CHANGED,
        ),
    ),
    TopicShape(BALANCES, "All accounts of the bank.", Kind.DURABLE, sends=(_CHANGED,)),
    TopicShape(
        STATS,
        "Counters of the bank, made only while somebody follows them.",
        Kind.STATE,
        sends=(MessageShape(StatsUpdated.type, "Every ENVIVO_STATS_INTERVAL seconds.", data=StatsUpdated),),
    ),
)
