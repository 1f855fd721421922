"""What the clinic decides without looking anything up: how fields are kept and shown, times, money, states.

The functions are pure; they raise ValueError with a text for people, which says what would be right. Money is whole
cents here and in the tables, a number with two decimals on the wire; times are ms since the Unix epoch here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from quart_app.realtime import Identity, timestamp

NAME_CHARACTERS: Final = 80
PHONE_CHARACTERS: Final = 30
EMAIL_CHARACTERS: Final = 254  # RFC 5321 section 4.5.3.1.3
TEXT_CHARACTERS: Final = 2_000
LABEL_CHARACTERS: Final = 200
USER_CHARACTERS: Final = 64
AMOUNT_LIMIT: Final = 1_000_000  # dollars in a price, a line, an invoice or a payment
LINES: Final = 50
QUANTITY_LIMIT: Final = 1_000
AGE_LIMIT: Final = 200  # years; tortoises are patients too
WEIGHT_LIMIT: Final = 5_000  # kg
MINUTES_LIMIT: Final = 24 * 60
PAGE_DEFAULT: Final = 100  # records
PAGE_LIMIT: Final = 500
LINES_KEPT: Final = 100_000  # lines of the activity log
TRIM_EVERY: Final = 100  # lines written between two trims
TRIM_BATCH: Final = 200  # lines removed at once; more than come in between, so a trim always catches up
DUE_AFTER: Final = timedelta(days=30)

MINUTE: Final = 60_000  # ms
LONGEST: Final = MINUTES_LIMIT * MINUTE  # ms that a reservation may last

_FIRST_DAY: Final = date(1990, 1, 1)
_LAST_DAY: Final = date(2100, 12, 31)
_FIRST_MS: Final = int(datetime(1990, 1, 1, tzinfo=UTC).timestamp() * 1000)
_LAST_MS: Final = int(datetime(2101, 1, 1, tzinfo=UTC).timestamp() * 1000) - 1

STATUS_AFTER: Final[Mapping[str, frozenset[str]]] = {
    "scheduled": frozenset({"confirmed", "done", "cancelled"}),
    "confirmed": frozenset({"scheduled", "done", "cancelled"}),
    "done": frozenset({"confirmed"}),  # so that a click that came too early can be taken back
    "cancelled": frozenset({"scheduled", "confirmed"}),
}
"""The statuses that may follow each status of a reservation. Unless it is cancelled, a reservation occupies its pet and
its employee."""


def is_staff(identity: Identity) -> bool:
    """Tell whether `identity` works at the clinic; in open mode everybody does."""
    return identity.has_role("employee")


# Fields


class WrongParts(ValueError):
    """Parts of a field are wrong; `parts` has the reasons by place, such as `[2].unit_price`."""

    def __init__(self, parts: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{place}: {reason}" for place, reason in parts.items()))
        self.parts = parts


@dataclass(frozen=True, slots=True)
class Field:
    """The conversion of a field whose form in the table differs from that on the wire: `keep` makes the table's value,
    `show` the wire's."""

    keep: Callable[[Any], Any]
    show: Callable[[Any], Any] = lambda value: value


def clean_line(text: str) -> str:
    """Return `text` on one line, with single spaces; it may be empty."""
    line = " ".join(text.split())
    if line and not line.isprintable():
        raise ValueError("printable characters only")
    return line


def clean_name(text: str) -> str:
    """Return `text` on one line that is not empty."""
    if not (line := clean_line(text)):
        raise ValueError("at least one character besides spaces")
    return line


def clean_text(text: str) -> str:
    """Return `text`, several lines, trimmed; it may be empty."""
    text = text.replace("\r\n", "\n").strip()
    if not all(character.isprintable() or character in "\n\t" for character in text):
        raise ValueError("printable characters and line breaks only")
    return text


def clean_finding(text: str) -> str:
    """Return `text`, several lines, trimmed and not empty."""
    if not (text := clean_text(text)):
        raise ValueError("at least one character besides spaces")
    return text


def clean_phone(text: str) -> str:
    """Return a telephone number as people write it; it may be empty."""
    line = clean_line(text)
    if line and not (all(character in "0123456789+-() ." for character in line) and any(map(str.isdigit, line))):
        raise ValueError("digits, spaces and + - ( ) .")
    return line


def clean_email(text: str) -> str:
    """Return an address that could exist; it may be empty."""
    address = text.strip()
    name, at, host = address.rpartition("@")
    good = name and at and "." in host.strip(".") and host == host.strip(".") and "@" not in name
    if address and not (good and address.isprintable() and " " not in address):
        raise ValueError("an address such as ana@clinica.ec")
    return address


def cents(amount: float) -> int:
    """Return the whole cents of an amount with two decimals at most."""
    exact = Decimal(repr(amount)) * 100
    if exact != exact.to_integral_value():
        raise ValueError("at most two decimals")
    return int(exact)


def amount(cents: int) -> float:
    """Return `cents` as the wire's number of dollars, whose shortest decimal spelling is exact."""
    return cents / 100


def moment(time: datetime) -> int:
    """Return a time in ms since the Unix epoch."""
    at = (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    if not _FIRST_MS <= at <= _LAST_MS:
        raise ValueError("a time from 1990 to 2100")
    return at


def day(when: date) -> str:
    """Return a date as ISO 8601 writes it, which is how it is kept and shown."""
    if not _FIRST_DAY <= when <= _LAST_DAY:
        raise ValueError("a date from 1990 to 2100")
    return when.isoformat()


def day_of(at: int) -> date:
    """Return the date of a time (ms since the Unix epoch), in UTC."""
    return datetime.fromtimestamp(at / 1000, UTC).date()


def user_text(user_id: int | str) -> str:
    """Return a user's id as it is kept; it is part of a topic's name."""
    text = str(user_id)
    if not (text.isascii() and all(character.isalnum() or character in "_.-" for character in text)):
        raise ValueError("a whole number, or letters, digits, _ . and -")
    return text


def wire_user(user_id: str) -> int | str:
    """Return a user's id as it goes out."""
    return Identity(user_id, user_id).wire_id


def _kept_lines(lines: list[Any]) -> list[dict[str, Any]]:
    kept: list[dict[str, Any]] = []
    wrong = {}
    for index, line in enumerate(lines):
        kept.append({"quantity": line.quantity})
        for name, keep in (("description", clean_name), ("unit_price", cents)):
            try:
                kept[index][name] = keep(getattr(line, name))
            except ValueError as error:
                wrong[f"[{index}].{name}"] = str(error)
    if wrong:
        raise WrongParts(wrong)
    return kept


def _shown_lines(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**line, "unit_price": amount(line["unit_price"])} for line in lines]


_NAME = Field(clean_name)
_LINE = Field(clean_line)
_TEXT = Field(clean_text)
_PHONE = Field(clean_phone)
_MONEY = Field(cents, amount)
_MOMENT = Field(moment, timestamp)
_DAY = Field(day)

FIELDS: Final[Mapping[str, Field]] = {
    **dict.fromkeys(("name", "species", "role"), _NAME),
    **dict.fromkeys(("breed", "owner_name", "reference"), _LINE),
    **dict.fromkeys(("notes", "description", "treatment"), _TEXT),
    **dict.fromkeys(("phone", "owner_phone"), _PHONE),
    **dict.fromkeys(("price", "amount", "total", "paid", "balance"), _MONEY),
    **dict.fromkeys(("starts_at", "ends_at", "issued_at", "paid_at", "created_at", "updated_at"), _MOMENT),
    **dict.fromkeys(("date", "due_on"), _DAY),
    "diagnosis": Field(clean_finding),
    "email": Field(clean_email),
    "user_id": Field(user_text, wire_user),
    "lines": Field(_kept_lines, _shown_lines),
    "weight": Field(lambda weight: round(weight, 3)),
}
"""The conversions by field name, which means the same in every kind of record; any other field is kept as it comes."""


def total_of(lines: list[dict[str, Any]]) -> int:
    """Return the total of an invoice's lines in cents; `lines` are as the table keeps them."""
    return sum(line["quantity"] * line["unit_price"] for line in lines)
