"""What the bank decides without looking anything up: cédulas, names, amounts, what a balance may become.

Money is whole cents here and nothing else. The functions are pure; they raise ValueError with a text for people, which
says what would be right.
"""

import re
from decimal import Decimal
from enum import StrEnum
from typing import Final

CEDULA: Final = "^[0-9]{5,20}$"
CEDULA_CHARACTERS: Final = 20
NAME_CHARACTERS: Final = 100
MOST_AMOUNT: Final = 100_000_000_000  # cents in one operation: a thousand million dollars
MOST_BALANCE: Final = (
    9_999_999_999_999  # cents; as a JSON number of dollars it is exact for certain (RFC 8259 section 6)
)
ACCOUNTS: Final = 100_000
PAGE_DEFAULT: Final = 50  # accounts, or movements
PAGE_LIMIT: Final = 200

_AMOUNT_TEXT = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,2})?")
_CENT = Decimal("0.01")


class MovementKind(StrEnum):
    """The kinds of movement, as the wire calls them."""

    OPENING = "apertura"
    DEPOSIT = "deposito"
    WITHDRAWAL = "retiro"


class InsufficientFunds(ValueError):
    """More money was asked for than there is."""


def is_cedula(text: str) -> bool:
    """Tell whether `text` may be a holder's number. Its check digit is not looked at: other countries number
    otherwise."""
    return re.fullmatch(CEDULA, text) is not None


def clean_cedula(text: str) -> str:
    """Return the holder's number as it is kept, leading zeros and all."""
    if not is_cedula(text):
        raise ValueError("5 to 20 digits and nothing else")
    return text


def clean_name(text: str) -> str:
    """Return the holder's name as it is kept: on one line, with single spaces."""
    name = " ".join(text.split())
    if not 0 < len(name) <= NAME_CHARACTERS or not name.isprintable():
        raise ValueError(f"1 to {NAME_CHARACTERS} printable characters besides the space around them")
    return name


def clean_amount(amount: object) -> int:
    """Return the cents of an amount of dollars to move: a whole number, a Decimal, or text such as "120.50"."""
    return _cents(amount, least=1, may_be="an amount above 0")


def clean_opening(amount: object) -> int:
    """Return the cents of an amount of dollars to begin with, which may be nothing."""
    return _cents(amount, least=0, may_be="an amount from 0 on")


def _cents(amount: object, *, least: int, may_be: str) -> int:
    number = _decimal(amount)
    if number is not None and least * _CENT <= number <= MOST_AMOUNT * _CENT and number == number.quantize(_CENT):
        return int(number.quantize(_CENT).scaleb(2))
    most = MOST_AMOUNT // 100
    raise ValueError(f"{may_be}, {most}.00 at most, with 2 decimals at most, as a number or as text such as 120.50")


def _decimal(amount: object) -> Decimal | None:
    """Return `amount` as a Decimal, None where it is no exact number: a float may have been rounded already."""
    match amount:
        case bool():
            return None
        case int():
            return Decimal(amount)
        case Decimal() if amount.is_finite():
            return amount
        case str() if _AMOUNT_TEXT.fullmatch(amount):
            return Decimal(amount)
        case _:
            return None


def change(kind: MovementKind, amount: int) -> int:
    """Return what a movement of `amount` cents adds to the balance."""
    return -amount if kind is MovementKind.WITHDRAWAL else amount


def moved(balance: int, kind: MovementKind, amount: int) -> int:
    """Return the balance after a movement, all in cents.

    Raise InsufficientFunds, and ValueError past the largest balance.
    """
    result = balance + change(kind, amount)
    if result < 0:
        raise InsufficientFunds("there is not as much in the account")
    if result > MOST_BALANCE:
        raise ValueError(f"an account holds {MOST_BALANCE // 100}.{MOST_BALANCE % 100:02} at most")
    return result


def dollars(cents: int) -> float:
    """Return an amount as the wire has it: the JSON number that is made of it spells the cents exactly."""
    return cents / 100


def written(cents: int) -> str:
    """Return an amount, which is not negative, as it is written: with two decimals."""
    return f"{cents // 100}.{cents % 100:02}"
