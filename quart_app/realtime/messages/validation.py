"""The validation of what clients send: wrong fields are refused by name, in words, and so is JSON that is too deep.

A shape says in words what a pattern asks for, and gives an example: `Meta(pattern=…, extra={"words": …},
examples=[…])`. The words for lengths, numbers, choices and times are made here.
"""

import types
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Annotated, Any, Final, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec import inspect

from quart_app.realtime import limits
from quart_app.realtime.messages.refused import Refused

Shape = TypeVar("Shape")
Value = TypeVar("Value")
Clean = TypeVar("Clean")
_Part = tuple[str, str]
"""A place in what was sent, such as `lines[2].price`, and what is wanted there."""


def too_deep(value: Any, levels: int = limits.JSON_DEPTH) -> bool:
    """Tell whether objects and arrays are nested in `value`, decoded JSON, over more than `levels` levels."""
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list):
        return False
    return levels == 0 or any(too_deep(inner, levels - 1) for inner in value)


def checked(body: Any, shape: type[Shape], *, code: str = "bad_request", strict: bool = True) -> Shape:
    """Return `body`, decoded JSON, as a `shape`; not `strict`: numbers and the like may be spelled in strings, as query
    parameters are. Raise Refused (`code`) that names all wrong fields."""
    try:
        return msgspec.convert(body, shape, strict=strict)
    except msgspec.ValidationError as error:
        wrong = dict(islice(_Check(strict).parts(body, shape), limits.WRONG_FIELDS))
        if said := wrong.pop("", None):
            raise Refused(code, f"this has to be {said}") from error
        raise wrong_fields(wrong, code=code) from error


def cleaned(field: str, value: Value, clean: Callable[[Value], Clean], *, code: str = "bad_request") -> Clean:
    """Return what `clean` makes of a field's value. Raise Refused (`code`) with the reason of its ValueError."""
    try:
        return clean(value)
    except ValueError as error:
        raise wrong_fields({field: str(error)}, code=code) from error


def all_cleaned(**fields: tuple[Any, Callable[[Any], Any]]) -> list[Any]:
    """Return what each of several fields, a value and its `clean`, is made into, in their order.

    Raise Refused (`bad_request`) that names all whose `clean` raises ValueError.
    """
    wrong: dict[str, str] = {}
    made: list[Any] = []
    for name, (value, clean) in fields.items():
        try:
            made.append(clean(value))
        except ValueError as error:
            wrong[name] = str(error)
    if wrong:
        raise wrong_fields(wrong)
    return made


def wrong_fields(fields: Mapping[str, str], *, code: str = "bad_request", status: int = 400) -> Refused:
    """Return the refusal of `fields` by name, each with what it may be, or why not."""
    said = "; ".join(f"{name}: {reason}" for name, reason in fields.items())
    return Refused(code, said, status=status, fields=fields)


def row_id(text: str) -> int | None:
    """Return the id that `text` spells in plain decimal, as it would be written; None for anything else."""
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(limits.LARGEST_ID))):
        return None
    number = int(text)
    return number if 0 < number <= limits.LARGEST_ID and text == str(number) else None


class _Check:
    """A check that finds everything that is wrong in a value; msgspec itself stops at the first."""

    def __init__(self, strict: bool) -> None:
        self._strict = strict

    def parts(self, value: Any, shape: Any, place: str = "") -> Iterator[_Part]:
        """Yield each part of `value` that is not as `shape` has it."""
        try:
            msgspec.convert(value, shape, strict=self._strict)
        except msgspec.ValidationError:
            found = False
            for part in self._inner(value, shape, place):
                found = True
                yield part
            if not found:
                yield place, in_words(shape)

    def _inner(self, value: Any, shape: Any, place: str) -> Iterator[_Part]:
        for option in _options(shape):
            if isinstance(value, dict) and isinstance(option, type) and issubclass(option, msgspec.Struct):
                yield from self._members(value, option, f"{place}." if place else "")
            elif isinstance(value, list) and get_origin(option) is list:
                (item,) = get_args(option)
                for index, one in enumerate(value):
                    yield from self.parts(one, item, f"{place}[{index}]")

    def _members(self, value: dict[str, Any], shape: type[msgspec.Struct], place: str) -> Iterator[_Part]:
        fields = {field.encode_name: field for field in msgspec.structs.fields(shape)}
        for name, field in fields.items():
            if name in value:
                yield from self.parts(value[name], field.type, place + name)
            elif field.required:
                yield place + name, f"needed: {in_words(field.type)}"
        if shape.__struct_config__.forbid_unknown_fields:
            for name in sorted(value.keys() - fields.keys()):
                yield place + name[: limits.FIELD_NAME_CHARACTERS], f"not known here; {_listed(fields)} may be given"


def _options(shape: Any) -> Iterator[Any]:
    """Yield the types that a value of `shape` may have, without their limits."""
    origin = get_origin(shape)
    if origin is Annotated:
        yield from _options(get_args(shape)[0])
    elif origin in {Union, types.UnionType}:
        for option in get_args(shape):
            yield from _options(option)
    else:
        yield shape


def _listed(names: Mapping[str, Any]) -> str:
    return ", ".join(names)


def in_words(shape: Any) -> str:
    """Return what a value of `shape` may be, for people."""
    return _words(inspect.type_info(shape))


_PLAIN: Final[Mapping[type[inspect.Type], str]] = {
    inspect.AnyType: "any JSON",
    inspect.BoolType: "true or false",
    inspect.DateTimeType: "a time with its zone, such as 2026-03-02T14:30:00Z",
    inspect.DateType: "a date such as 2026-03-02",
    inspect.DictType: "a JSON object",
    inspect.StructType: "a JSON object",
    inspect.TypedDictType: "a JSON object",
}


def _words(shape: inspect.Type) -> str:
    match shape:
        case inspect.Metadata(extra={"words": words}):
            examples = (shape.extra_json_schema or {}).get("examples")
            return f"{words}, such as {examples[0]}" if examples else str(words)
        case inspect.Metadata(type=inner):
            return _words(inner)
        case inspect.UnionType(types=options):
            return ", or ".join(dict.fromkeys(_words(one) for one in options if not isinstance(one, inspect.NoneType)))
        case inspect.IntType():
            return "a whole number" + _range(shape)
        case inspect.FloatType():
            return "a number" + _range(shape)
        case inspect.StrType():
            return "text" + _length(shape, " characters")
        case inspect.ListType():
            return "a list" + _length(shape, "")
        case inspect.LiteralType(values=values):
            return f"one of {', '.join(map(str, values))}"
        case _:
            return _PLAIN.get(type(shape), "something else")


def _range(shape: inspect.IntType | inspect.FloatType) -> str:
    """Return the words for the limits of a number, the empty string where it has none."""
    most = None if shape.le is None else _number(shape.le)
    if shape.gt is not None:
        return f" above {_number(shape.gt)}" + (f", at most {most}" if most else "")
    if shape.ge is not None:
        return f" from {_number(shape.ge)} to {most}" if most else f" from {_number(shape.ge)} on"
    return f" of at most {most}" if most else ""


def _number(limit: float) -> str:
    return f"{limit:,}" if isinstance(limit, int) else f"{limit:,.15g}"


def _length(shape: inspect.StrType | inspect.ListType, unit: str) -> str:
    """Return the words for the limits of a length, the empty string where it has none."""
    if shape.max_length is None:
        return f" of at least {shape.min_length:,}{unit}" if shape.min_length else ""
    return (
        f" of {shape.min_length:,} to {shape.max_length:,}{unit}"
        if shape.min_length
        else (f" of at most {shape.max_length:,}{unit}")
    )
