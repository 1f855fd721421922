from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quart_app.domains.clinic import rules


@given(st.integers(0, rules.AMOUNT_LIMIT * 100))
def test_money_is_exact(cents: int) -> None:
    assert rules.cents(rules.amount(cents)) == cents


@pytest.mark.parametrize("amount", [0.001, 1e-9, 12.345, 0.1 + 0.2])
def test_money_has_two_decimals(amount: float) -> None:
    with pytest.raises(ValueError, match="two decimals"):
        rules.cents(amount)


@given(st.integers(0, 40_000), st.integers(0, 86_399_999_999))
def test_moments_are_kept_to_the_millisecond(days: int, microseconds: int) -> None:
    time = datetime(1990, 1, 1, tzinfo=UTC) + timedelta(days=days, microseconds=microseconds)
    kept = rules.moment(time)
    assert rules.FIELDS["starts_at"].show(kept)[:23] == time.isoformat(timespec="milliseconds")[:23]
    assert rules.day_of(kept) == time.date()


@pytest.mark.parametrize("when", [date(1989, 12, 31), date(2101, 1, 1)])
def test_dates_are_of_these_times(when: date) -> None:
    with pytest.raises(ValueError, match="1990 to 2100"):
        rules.day(when)


@given(st.text(max_size=80))
def test_what_is_cleaned_stays_clean(text: str) -> None:
    for clean in (rules.clean_line, rules.clean_text, rules.clean_phone, rules.clean_email):
        try:
            kept = clean(text)
        except ValueError:
            continue
        assert clean(kept) == kept
        assert len(kept) <= len(text)
        kept.encode()


@pytest.mark.parametrize("address", ["", "ana@clinica.ec", "a.b+c@x-y.com.ec", "ñandú@clínica.ec"])
def test_addresses(address: str) -> None:
    assert rules.clean_email(f" {address} ") == address


def test_users_are_numbers_where_they_are() -> None:
    assert [rules.wire_user(rules.user_text(id)) for id in (123, "123", "ana-7", "007")] == [123, 123, "ana-7", "007"]
