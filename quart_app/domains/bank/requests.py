"""What clients may ask of the bank, by field. Types are settled here; what a number may be is the rules' affair."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from quart_app.domains.bank import rules
from quart_app.realtime.limits import LARGEST_ID

_AMOUNT = {
    "type": ["number", "string"],
    "maximum": rules.MOST_AMOUNT // 100,
    "multipleOf": 0.01,
}

# These types only describe: the rules check the values, and say what is wrong in words rather than in a pattern.
Cedula = Annotated[
    str,
    Meta(
        description="5 to 20 digits",
        examples=["1350509525"],
        extra_json_schema={"pattern": rules.CEDULA},
        extra={"words": "5 to 20 digits"},
    ),
]
Name = Annotated[
    str,
    Meta(examples=["Ana Lucía Vera"], extra_json_schema={"minLength": 1, "maxLength": rules.NAME_CHARACTERS}),
]
Amount = Annotated[
    Any,
    Meta(
        description="dollars above 0 with at most 2 decimals, as a number or as text",
        examples=[120.5, "120.50"],
        extra_json_schema={**_AMOUNT, "minimum": 0.01, "pattern": r"^(?!0+(\.0+)?$)[0-9]{1,9}(\.[0-9]{1,2})?$"},
        extra={"words": "dollars above 0"},
    ),
]
OpeningAmount = Annotated[
    Any,
    Meta(
        description="dollars with at most 2 decimals, as a number or as text",
        examples=[250, "250.00"],
        extra_json_schema={**_AMOUNT, "minimum": 0, "pattern": r"^[0-9]{1,9}(\.[0-9]{1,2})?$"},
    ),
]


class MoneyMove(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /api/deposito` and of `POST /api/retiro`."""

    cedula: Cedula
    monto: Amount


class NewAccount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /api/cuentas`."""

    cedula: Cedula
    nombre: Name
    saldo_inicial: OpeningAmount = 0


class AccountsPage(msgspec.Struct, frozen=True):
    """The query of `GET /api/cuentas`."""

    after: Annotated[
        str,
        Meta(
            pattern="^[0-9]{0,20}$",
            description="Only accounts with a cédula behind it.",
            extra={"words": "at most 20 digits, such as 1350509525"},
        ),
    ] = ""
    limit: Annotated[int, Meta(ge=1, le=rules.PAGE_LIMIT)] = rules.PAGE_DEFAULT


class MovementsPage(msgspec.Struct, frozen=True):
    """The query of `GET /api/cuentas/{id}/transacciones` and of `GET /api/transacciones`."""

    before: Annotated[int, Meta(ge=1, le=LARGEST_ID, description="Only movements with an id below it.")] = LARGEST_ID
    limit: Annotated[int, Meta(ge=1, le=rules.PAGE_LIMIT)] = rules.PAGE_DEFAULT
