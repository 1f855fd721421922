"""What clients may send to the inventory, by field; and the check that names every field that is wrong.

The shapes are what the documents show; the values themselves are read by the rules, because a price has to be exact.
"""

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType, field
from msgspec.structs import fields

from quart_app.domains.products import rules
from quart_app.realtime import Refused
from quart_app.realtime.limits import LARGEST_ID

_NAMED = 20  # unknown fields in one refusal
_NAME_CHARACTERS = 100  # of an unknown field in a refusal

Nombre = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=rules.NOMBRE_CHARACTERS,
        pattern=r"^[^\x00]*\S[^\x00]*$",
        description="Kept as it is given",
        examples=["Café de Loja, 400 g"],
        extra={"words": rules.NOMBRE},
    ),
]
Descripcion = Annotated[
    str,
    Meta(
        max_length=rules.DESCRIPCION_CHARACTERS,
        pattern=r"^[^\x00]*$",
        examples=["Tueste medio, molido"],
        extra={"words": rules.DESCRIPCION},
    ),
]
Precio = (
    Annotated[float, Meta(ge=0, le=rules.LARGEST_PRICE, description="At most 2 decimals", examples=[8.75])]
    | Annotated[
        str,
        Meta(
            pattern=rules.PRICE_TEXT,
            description="The same as text",
            examples=["8.75"],
            extra={"words": "the same as text"},
        ),
    ]
)
Stock = Annotated[int, Meta(ge=0, le=rules.STOCK, examples=[42])]
Version = Annotated[int, Meta(ge=1, le=rules.VERSION, description="Refused with 409 unless it is the product's")]


class NewProduct(Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /api/productos`."""

    nombre: Nombre
    precio: Precio
    descripcion: Descripcion | None = ""
    stock: Stock = 0


class ProductChange(Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `PUT /api/productos/{id}`: at least one of the product's fields; the others stay as they are."""

    nombre: Nombre | UnsetType = UNSET
    precio: Precio | UnsetType = UNSET
    descripcion: Descripcion | UnsetType | None = UNSET
    stock: Stock | UnsetType = UNSET
    version: Version | UnsetType = UNSET


class ProductPage(Struct, frozen=True):
    """The query of `GET /api/productos`."""

    after: Annotated[int, Meta(ge=0, le=LARGEST_ID, description="The products after this id")] = 0
    limit: Annotated[int, Meta(ge=1, le=rules.PRODUCTS)] = rules.PRODUCTS


class Deletion(Struct, frozen=True):
    """The query of `DELETE /api/productos/{id}`."""

    version: Version | None = None


class Conditions(Struct, frozen=True):
    """The headers of a change."""

    if_match: Annotated[str, Meta(description="An `ETag` that was answered, which has to be current")] | None = field(
        name="If-Match", default=None
    )
    key: (
        Annotated[
            str, Meta(min_length=1, max_length=128, description="Your own name for the change: with it, done once")
        ]
        | None
    ) = field(name="Idempotency-Key", default=None)


def new_product(body: Any) -> rules.Columns:
    """Return the columns of a new product from decoded JSON. Raise Refused (`invalid_product`)."""
    given, wrong = _known(body, NewProduct)
    wrong |= {one.name: "missing" for one in fields(NewProduct) if one.required and one.name not in given}
    return {"descripcion": "", "stock": 0, **_read(given, wrong)}


def product_change(body: Any) -> tuple[rules.Columns, int | None]:
    """Return the columns that change, and the version they are meant for. Raise Refused (`invalid_product`)."""
    given, wrong = _known(body, ProductChange)
    meant = None
    if "version" in given:
        try:
            meant = rules.version(given.pop("version"))
        except ValueError as error:
            wrong["version"] = str(error)
    if not (given or wrong):
        wrong = dict.fromkeys(rules.FIELDS, "one of these fields at least")
    return _read(given, wrong), meant


def _known(body: Any, shape: type[Struct]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the members of `body` that `shape` has, and what is wrong with the others."""
    if not isinstance(body, dict):
        raise Refused("invalid_product", "a product is a JSON object")
    names = {one.name for one in fields(shape)}
    unknown = sorted(body.keys() - names)[:_NAMED]
    wrong = {name[:_NAME_CHARACTERS]: "not a field of a product" for name in unknown}
    return {name: value for name, value in body.items() if name in names}, wrong


def _read(given: dict[str, Any], wrong: dict[str, str]) -> rules.Columns:
    """Return the columns of what is `given`, read by the rules.

    The fields that are `wrong` already are refused together with those that the rules find wrong. Raise Refused
    (`invalid_product`).
    """
    columns = {}
    for name, value in given.items():
        column, read = rules.FIELDS[name]
        try:
            columns[column] = read(value)
        except ValueError as error:
            wrong[name] = str(error)
    if wrong:
        said = "; ".join(f"{name}: {reason}" for name, reason in wrong.items())
        raise Refused("invalid_product", said, fields=wrong)
    return columns
