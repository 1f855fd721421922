"""What a field's value and the text of an id are taken for, and what is said where they cannot be."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, Meta, Struct, UnsetType, field

from quart_app.realtime import Refused, checked, cleaned, row_id
from quart_app.realtime.limits import FIELD_NAME_CHARACTERS, LARGEST_ID, WRONG_FIELDS


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


class Line(Struct, forbid_unknown_fields=True):
    price: Annotated[float, Meta(gt=0, le=1_000_000)]
    pieces: Annotated[int, Meta(ge=1, le=1_000)] = 1


class Order(Struct, forbid_unknown_fields=True, kw_only=True):
    code: Annotated[str, Meta(pattern="^[A-Z]{3}$", extra={"words": "three capital letters"}, examples=["ABC"])]
    lines: Annotated[list[Line], Meta(min_length=1, max_length=3)] | None = None
    note: Annotated[str, Meta(max_length=64)] = ""
    name: Annotated[str, Meta(min_length=1, max_length=80)] | UnsetType = UNSET
    status: Literal["open", "paid"] = "open"
    urgent: bool = False
    day: date | None = None
    at: Annotated[datetime, Meta(tz=True)] | None = None
    from_: Annotated[int, Meta(ge=0)] | None = field(name="from", default=None)
    total: float | Annotated[str, Meta(pattern="^[0-9]+$", extra={"words": "the same as text"})] = 0


def refused(body: Any, shape: Any = Order, **how: Any) -> Refused:
    with pytest.raises(Refused) as refusal:
        checked(body, shape, **how)
    return refusal.value


@pytest.mark.parametrize(
    ("wrong", "field", "said"),
    [
        ({"code": "abc"}, "code", "three capital letters, such as ABC"),
        ({"code": 7}, "code", "three capital letters, such as ABC"),
        ({"note": "x" * 65}, "note", "text of at most 64 characters"),
        ({"name": ""}, "name", "text of 1 to 80 characters"),
        ({"name": None}, "name", "text of 1 to 80 characters"),
        ({"lines": []}, "lines", "a list of 1 to 3"),
        ({"lines": {}}, "lines", "a list of 1 to 3"),
        ({"lines": [7]}, "lines[0]", "a JSON object"),
        ({"lines": [{"price": 1}, {"price": 0}]}, "lines[1].price", "a number above 0, at most 1,000,000"),
        ({"lines": [{"price": 1, "pieces": 1.5}]}, "lines[0].pieces", "a whole number from 1 to 1,000"),
        ({"lines": [{}]}, "lines[0].price", "needed: a number above 0, at most 1,000,000"),
        ({"lines": [{"price": 1, "prize": 2}]}, "lines[0].prize", "not known here; price, pieces may be given"),
        ({"status": "void"}, "status", "one of open, paid"),
        ({"urgent": "yes"}, "urgent", "true or false"),
        ({"day": "2026-02-30"}, "day", "a date such as 2026-03-02"),
        ({"at": "2026-03-02T14:30:00"}, "at", "a time with its zone, such as 2026-03-02T14:30:00Z"),
        ({"from": -1}, "from", "a whole number from 0 on"),
        ({"from_": 1}, "from_", None),
        ({"total": "7,5"}, "total", "a number, or the same as text"),
    ],
)
def test_a_wrong_field_is_told_in_words_by_the_name_it_was_given(
    wrong: dict[str, Any], field: str, said: str | None
) -> None:
    refusal = refused({"code": "ABC", **wrong})
    assert refusal.fields is not None
    assert list(refusal.fields) == [field]
    assert refusal.message == f"{field}: {refusal.fields[field]}"
    assert said is None or refusal.fields[field] == said


def test_all_wrong_fields_are_told_at_once() -> None:
    refusal = refused({"lines": [{"price": -1, "pieces": 0}], "note": 5, "colour": "red"}, code="invalid_order")
    assert refusal.code == "invalid_order"
    assert refusal.fields is not None
    assert refusal.fields.keys() == {"code", "lines[0].price", "lines[0].pieces", "note", "colour"}


def test_a_list_names_the_place_of_what_is_wrong_in_it() -> None:
    refusal = refused([{"code": "ABC"}, {"code": "abc"}, 7], list[Order])
    assert refusal.fields is not None
    assert refusal.fields.keys() == {"[1].code", "[2]"}


def test_what_is_no_object_is_told_to_be_none() -> None:
    refusal = refused(["ABC"])
    assert (refusal.message, refusal.fields) == ("this has to be a JSON object", None)


def test_numbers_in_a_query_are_spelled_in_text_and_their_words_are_the_same() -> None:
    refusal = refused({"code": "ABC", "from": "-1", "urgent": "perhaps"}, strict=False)
    assert refusal.fields == {"from": "a whole number from 0 on", "urgent": "true or false"}


@given(st.integers(1, 1_000))
def test_no_refusal_names_more_than_its_share(many: int) -> None:
    refusal = refused({"x" * 300 + str(number): number for number in range(many)})
    assert refusal.fields is not None
    assert len(refusal.fields) <= WRONG_FIELDS
    assert all(len(name) <= 100 for name in refusal.fields)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["code", "lines", "price", "pieces", "note", "total", "at"]), inner, max_size=5
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_whatever_is_sent_is_taken_or_refused_in_words(body: Any) -> None:
    try:
        shape: Any = Order | list[Order]
        checked(body, shape)
    except Refused as refusal:
        said = f"{refusal.message} {refusal.fields}"
        assert refusal.message
        assert not any(word in said for word in ("Expected", "regex", "^", "`"))


def test_the_name_of_an_unknown_field_is_told_as_far_as_it_is_readable() -> None:
    class Known(Struct, forbid_unknown_fields=True):
        age: int = 0

    with pytest.raises(Refused) as refused:
        checked({"x" * 10_000: 1}, Known)
    assert refused.value.fields is not None
    assert list(refused.value.fields) == ["x" * FIELD_NAME_CHARACTERS]
