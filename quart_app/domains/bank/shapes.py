"""What the bank answers and tells, by field and type: accounts, movements, receipts, counters.

Amounts are dollars with whole cents, times ISO 8601 as the wire writes them. This file knows neither tables nor
sockets.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from quart_app.domains.bank import rules

Cedula = Annotated[
    str,
    Meta(
        pattern=rules.CEDULA,
        description="the holder's number",
        examples=["1350509525"],
        extra={"words": "5 to 20 digits"},
    ),
]
Name = Annotated[str, Meta(min_length=1, max_length=rules.NAME_CHARACTERS, examples=["María Fernanda Cedeño"])]
Dollars = Annotated[float, Meta(ge=0, description="dollars, exact to the cent", examples=[5250.0])]
TransactionId = Annotated[int, Meta(ge=1, description="grows with every movement of the bank", examples=[41])]
Moment = Annotated[str, Meta(description="ISO 8601, UTC", examples=["2025-03-14T15:09:26.535Z"])]
Count = Annotated[int, Meta(ge=0)]


class AccountSummary(msgspec.Struct, frozen=True):
    """An account and what is in it."""

    cedula: Cedula
    nombre: Name
    balance: Dollars


class AccountMovement(msgspec.Struct, frozen=True):
    """A movement of money: `monto` is what was moved, `saldo` what was in the account afterwards."""

    transaccion_id: TransactionId
    cedula: Cedula
    nombre: Name
    tipo: rules.MovementKind
    monto: Dollars
    saldo: Dollars
    created_at: Moment


class Receipt(msgspec.Struct, frozen=True):
    """The answer to a deposit or a withdrawal."""

    cedula: Cedula
    nuevo_saldo: Dollars
    transaccion_id: TransactionId


class Statistics(msgspec.Struct, frozen=True):
    """The counters of the bank.

    `clientes_activos` counts the accounts that somebody watches, `operaciones_simultaneas` the most operations in
    flight at once since the last tick, `conexiones_activas` the open connections on all transports. Over several nodes
    an account counts once, and the operations are the sum of each node's most: at once there were at most as many.
    """

    clientes_activos: Count
    operaciones_simultaneas: Count
    conexiones_activas: Count
