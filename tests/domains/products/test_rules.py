"""What a field may be: money exact to the cent, whole numbers whole, text as it is given."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quart_app.domains.products import rules


@given(st.integers(0, rules.PRECIO_CENTS))
def test_a_price_is_its_cents_whichever_way_it_is_written(cents: int) -> None:
    text = f"{cents // 100}.{cents % 100:02}"
    assert rules.cents(text) == rules.cents(Decimal(text)) == rules.cents(Decimal(text + "000")) == cents
    assert round(cents / 100 * 100) == cents  # on the wire it is a double, and nothing of it is lost
    assert rules.cents(Decimal(repr(cents / 100))) == cents


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_no_price_is_rounded(amount: Decimal) -> None:
    try:
        assert Decimal(rules.cents(amount)) == amount * 100
    except ValueError:
        assert not 0 <= amount <= Decimal("9999999999.99") or amount != round(amount, 2)


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, False, [], {}, "", " 1", "1 ", "1,5", "1.", ".5", "+1", "-1", "1e2", "1.999", "NaN", "١", "0x1"),
        *(-1, 10**10, 10**400, "9" * 11, "10000000000.00"),
        *(Decimal("-0.01"), Decimal("19.999"), Decimal("19.990000000000000000001"), Decimal("Infinity")),
        *(Decimal("1E+999999"), Decimal("1E-999999"), Decimal("9999999999.991")),
    ],
)
def test_what_is_no_price_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="at most 2 decimals"):
        rules.cents(value)


@pytest.mark.parametrize("value", [0, 5, Decimal("5.0"), Decimal("1E+3"), 2**31 - 1])
def test_a_stock_is_a_whole_number(value: Any) -> None:
    assert rules.stock(value) == value


@pytest.mark.parametrize(
    "value", [-1, 2**31, 10**30, Decimal("1.5"), Decimal("Infinity"), Decimal("1E+999999"), "5", None, True, []]
)
def test_what_is_no_stock_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="a whole number from 0"):
        rules.stock(value)


@given(st.text())
def test_a_name_is_kept_as_it_is_or_refused(text: str) -> None:
    fits = 0 < len(text) <= 255 and text.strip() and "\0" not in text
    try:
        assert rules.nombre(text) == text
        assert fits
    except ValueError:
        assert not fits
