"""What the inventory decides without looking anything up: how each field of a product may be, ids, money.

The functions are pure and work on decoded JSON, whose numbers with a point are `Decimal`. They raise ValueError with a
text for people, which says what would be right.
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

NOMBRE_CHARACTERS: Final = 255
DESCRIPCION_CHARACTERS: Final = 2_000
PRECIO_CENTS: Final = 999_999_999_999
STOCK: Final = 2**31 - 1
VERSION: Final = 2**31 - 1
PRODUCTS: Final = 2_000  # kept at once, and listed at once: a client of the older system asks for all of them
LARGEST_PRICE: Final = PRECIO_CENTS / 100
PRICE_TEXT: Final = r"^[0-9]{1,10}(\.[0-9]{1,2})?$"

NOMBRE: Final = f"1 to {NOMBRE_CHARACTERS} characters, not spaces alone"
DESCRIPCION: Final = f"at most {DESCRIPCION_CHARACTERS:,} characters"
PRECIO: Final = f"a number from 0 to {LARGEST_PRICE:,} with at most 2 decimals"

_CENT = Decimal("0.01")

Columns = dict[str, Any]
"""Fields of a product by the names of their columns."""


def nombre(value: object) -> str:
    """Return a name, as it is given."""
    if not isinstance(value, str) or not value.strip() or len(value) > NOMBRE_CHARACTERS or "\0" in value:
        raise ValueError(NOMBRE)
    return value


def descripcion(value: object) -> str:
    """Return a description, as it is given; null is an empty one."""
    text = "" if value is None else value
    if not isinstance(text, str) or len(text) > DESCRIPCION_CHARACTERS or "\0" in text:
        raise ValueError(DESCRIPCION)
    return text


def cents(value: object) -> int:
    """Return a price in whole cents, from a number or from its text in plain decimal; nothing is rounded."""
    amount = _number(Decimal(value) if isinstance(value, str) and re.fullmatch(PRICE_TEXT, value) else value)
    if amount is None or not _is_price(amount):
        raise ValueError(PRECIO)
    return int(amount * 100)


def _is_price(amount: Decimal) -> bool:
    # The size is compared first: rounding a huge amount to two decimals needs more digits than a Decimal may have.
    return amount.is_finite() and 0 <= amount <= PRECIO_CENTS * _CENT and amount == amount.quantize(_CENT)


def stock(value: object) -> int:
    """Return a number of pieces; JSON may write a whole number with a point (5.0)."""
    return _whole(value, 0, STOCK)


def version(value: object) -> int:
    """Return the version of a product that a change is meant for."""
    return _whole(value, 1, VERSION)


def _whole(value: object, smallest: int, largest: int) -> int:
    number = _number(value)
    if number is None or not smallest <= number <= largest or number != int(number):
        raise ValueError(f"a whole number from {smallest} to {largest:,}")
    return int(number)


def _number(value: object) -> Decimal | None:
    """Return `value` as a Decimal; None where it is no number, as true and false are not."""
    return Decimal(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else None


FIELDS: Final[Mapping[str, tuple[str, Callable[[object], Any]]]] = {
    "nombre": ("nombre", nombre),
    "descripcion": ("descripcion", descripcion),
    "precio": ("precio_cents", cents),
    "stock": ("stock", stock),
}
"""By a field's name on the wire: its column, and what makes the column's value of it."""

_WRITTEN: Final[Mapping[str, Callable[[int], str]]] = {
    "precio_cents": lambda cents: f"{cents // 100}.{cents % 100:02}",
    "stock": str,
}


def told(before: Mapping[str, Any], columns: Columns) -> str:
    """Return what changes in a product, on one line: price and stock with their values, also those `before` where there
    are any, the texts by their names."""
    parts = []
    for name, (column, _) in FIELDS.items():
        if column in columns:
            values = dict.fromkeys(one[column] for one in (before, columns) if column in one)
            parts.append(f"{name} {' → '.join(map(_WRITTEN[column], values))}" if column in _WRITTEN else name)
    return ", ".join(parts)
