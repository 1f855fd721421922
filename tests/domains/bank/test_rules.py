import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quart_app.domains.bank import rules
from quart_app.domains.bank.rules import MovementKind

CENTS = st.integers(1, rules.MOST_AMOUNT)


@given(CENTS)
def test_an_amount_means_the_same_however_it_is_spelled(cents: int) -> None:
    text = f"{cents // 100}.{cents % 100:02}"
    assert rules.clean_amount(text) == rules.clean_amount(Decimal(text)) == cents
    if cents % 100 == 0:
        assert rules.clean_amount(cents // 100) == cents


@given(st.integers(0, rules.MOST_BALANCE))
def test_what_the_wire_carries_spells_every_balance_exactly(cents: int) -> None:
    spelled = json.dumps(rules.dollars(cents))
    assert Decimal(spelled) * 100 == cents


@pytest.mark.parametrize(
    "amount",
    [
        0, -1, True, None, [], {}, 1.5, float("nan"), Decimal("NaN"), Decimal("Infinity"), Decimal("-0.01"),
        Decimal("0.001"), Decimal("100.0000000000000000000000000000000000000001"), Decimal("1e400"), Decimal("1e-400"),
        10**30, rules.MOST_AMOUNT // 100 + 1, "", " 5", "5 ", "+5", "-5", "1e2", "1_0", "1,5", "1.234", ".5", "5.", "٣",
        "NaN", "0", "0.00",
    ],
)  # fmt: skip
def test_what_is_no_amount_is_refused(amount: Any) -> None:
    with pytest.raises(ValueError, match="2 decimals"):
        rules.clean_amount(amount)


def test_an_account_may_begin_with_nothing() -> None:
    assert rules.clean_opening(0) == rules.clean_opening("0.00") == 0
    with pytest.raises(ValueError, match="from 0 on"):
        rules.clean_opening(-1)


@given(st.integers(0, rules.MOST_BALANCE), st.sampled_from(MovementKind), CENTS)
def test_a_balance_never_leaves_its_limits(balance: int, kind: MovementKind, amount: int) -> None:
    try:
        result = rules.moved(balance, kind, amount)
    except rules.InsufficientFunds:
        assert kind is MovementKind.WITHDRAWAL
        assert amount > balance
    except ValueError:
        assert balance + amount > rules.MOST_BALANCE
    else:
        assert 0 <= result <= rules.MOST_BALANCE
        assert result - balance == rules.change(kind, amount)


@pytest.mark.parametrize("cedula", ["1350509525", "00000", "0" * 20])
def test_a_cedula_is_digits(cedula: str) -> None:
    assert rules.clean_cedula(cedula) == cedula


@pytest.mark.parametrize(
    "cedula", ["", "1234", "0" * 21, "135050952-5", " 1350509525", "1350509525\n", "١٣٥٠٥٠", "abcde"]
)
def test_anything_else_is_none(cedula: str) -> None:
    with pytest.raises(ValueError, match="digits"):
        rules.clean_cedula(cedula)


def test_a_name_is_kept_on_one_line() -> None:
    assert rules.clean_name("  Ana \n Vera ") == "Ana Vera"
    for name in ("", "  ", "x" * 101, "a\0b"):
        with pytest.raises(ValueError, match="1 to 100"):
            rules.clean_name(name)
