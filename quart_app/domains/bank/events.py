"""What happens in the bank, and how it looks on the wire: names of topics, shapes of messages.

Amounts are dollars with whole cents, times ISO 8601 as the wire writes them. Knows neither tables nor sockets.
"""

from typing import Annotated, ClassVar, Final

import msgspec
from msgspec import Meta

from quart_app.domains.bank import rules
from quart_app.realtime import Kind, MessageShape, TopicShape

BALANCES: Final = "balances"
STATS: Final = "stats"
_ACCOUNTS: Final = "accounts/"

Cedula = Annotated[str, Meta(pattern=rules.CEDULA, description="the holder's number", examples=["1350509525"])]
Name = Annotated[str, Meta(min_length=1, max_length=rules.NAME_CHARACTERS, examples=["María Fernanda Cedeño"])]
Dollars = Annotated[float, Meta(ge=0, description="dollars, exact to the cent", examples=[5250.0])]
TransactionId = Annotated[int, Meta(ge=1, description="grows with every movement of the bank", examples=[41])]
Moment = Annotated[str, Meta(description="ISO 8601, UTC", examples=["2025-03-14T15:09:26.535Z"])]
Count = Annotated[int, Meta(ge=0)]


class AccountSummary(msgspec.Struct, frozen=True):
    """An account."""

    cedula: Cedula
    nombre: Name
    balance: Dollars


class BalanceChanged(msgspec.Struct, frozen=True):
    """What is in an account after a change that is committed."""

    type: ClassVar[str] = "balance_updated"

    cedula: Cedula
    balance: Dollars


class Transaction(msgspec.Struct, frozen=True):
    """A movement: `monto` what was moved, `saldo` what was in the account afterwards."""

    transaccion_id: TransactionId
    cedula: Cedula
    nombre: Name
    tipo: rules.Kind
    monto: Dollars
    saldo: Dollars
    created_at: Moment


class Receipt(msgspec.Struct, frozen=True):
    """What a deposit or a withdrawal is answered with."""

    cedula: Cedula
    nuevo_saldo: Dollars
    transaccion_id: TransactionId


class Statistics(msgspec.Struct, frozen=True):
    """`clientes_activos`: accounts that somebody watches; `operaciones_simultaneas`: the most operations in flight at
    once since the last tick; `conexiones_activas`: open connections, on all transports."""

    clientes_activos: Count
    operaciones_simultaneas: Count
    conexiones_activas: Count


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
    fields={"transaccion": Transaction},
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
