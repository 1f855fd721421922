"""What a field's value and the text of an id are taken for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quart_app.realtime.limits import LARGEST_ID
from quart_app.realtime.refused import Refused
from quart_app.realtime.validation import cleaned, row_id


@pytest.mark.parametrize(
    "text", ["", "0", "01", "-1", "+1", " 1", "1 ", "1.0", "x", "¹", "١", str(LARGEST_ID + 1), "9" * 5000]
)
def test_what_is_no_id(text: str) -> None:
    assert row_id(text) is None


@given(st.integers(1, LARGEST_ID))
def test_every_id_is_known_by_its_text(id: int) -> None:
    assert row_id(str(id)) == id


@given(st.text())
def test_only_an_id_as_it_would_be_written_is_one(text: str) -> None:
    id = row_id(text)
    assert id is None or (str(id) == text and 0 < id <= LARGEST_ID)


def test_a_field_that_cannot_be_cleaned_is_named() -> None:
    assert cleaned("age", "7", int) == 7
    with pytest.raises(Refused) as refused:
        cleaned("age", "seven", int, code="invalid_age")
    assert (refused.value.code, refused.value.status) == ("invalid_age", 400)
    assert refused.value.fields is not None
    assert list(refused.value.fields) == ["age"]
