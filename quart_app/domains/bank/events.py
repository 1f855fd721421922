"""What happens in the bank, and the topics that tell of it.

This file knows neither tables nor sockets.
"""

from typing import ClassVar, Final

import msgspec

from quart_app.domains.bank.shapes import AccountMovement, AccountSummary, Cedula, Dollars, Statistics
from quart_app.realtime import Kind, MessageShape, TopicShape

BALANCES: Final = "balances"
STATS: Final = "stats"
_ACCOUNTS: Final = "accounts/"


class BalanceChanged(msgspec.Struct, frozen=True):
    """The event that an account's balance has changed, told after the commit."""

    type: ClassVar[str] = "balance_updated"

    cedula: Cedula
    balance: Dollars


class StatsUpdated(msgspec.Struct, frozen=True, kw_only=True):
    """The counters of the moment, told at every tick."""

    type: ClassVar[str] = "stats_updated"

    success: bool = True
    estadisticas: Statistics


def account_topic(cedula: str) -> str:
    """Return the topic of an account."""
    return f"{_ACCOUNTS}{cedula}"


def cedula_of(topic: str) -> str:
    """Return the cédula in the name of an account's topic; there may be no account of it."""
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
