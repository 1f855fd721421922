"""A product as the wire has it, and what happens to products.

The Spanish names are those of the system that this one replaces. Every change carries the whole product, so that
hearing of one twice is harmless. Knows neither tables nor sockets.
"""

from typing import Annotated, Final

from msgspec import Meta, Struct

from quart_app.domains.products import rules
from quart_app.realtime import Kind, MessageShape, TopicShape

TOPIC: Final = "products"
WELCOME: Final = "CONNECTION_ESTABLISHED"
CREATED: Final = "PRODUCT_CREATED"
UPDATED: Final = "PRODUCT_UPDATED"
DELETED: Final = "PRODUCT_DELETED"

Id = Annotated[int, Meta(ge=1, description="Never given twice", examples=[7])]
Time = Annotated[str, Meta(description="ISO 8601, UTC, with milliseconds", examples=["2026-03-01T15:04:05.678Z"])]


class Product(Struct, frozen=True):
    """A product of the inventory."""

    id: Id
    nombre: Annotated[str, Meta(min_length=1, max_length=rules.NOMBRE_CHARACTERS, examples=["Café de Loja, 400 g"])]
    descripcion: Annotated[str, Meta(max_length=rules.DESCRIPCION_CHARACTERS, examples=["Tueste medio, molido"])]
    precio: Annotated[
        float, Meta(ge=0, le=rules.LARGEST_PRICE, description="US dollars, at most 2 decimals", examples=[8.75])
    ]
    stock: Annotated[int, Meta(ge=0, le=rules.STOCK, description="Pieces", examples=[42])]
    created_at: Time
    updated_at: Time
    version: Annotated[int, Meta(ge=1, description="One more with every change", examples=[1])]


class ProductGone(Struct, frozen=True):
    """A product that is no more."""

    id: Id


TOPICS: Final = (
    TopicShape(
        TOPIC,
        "The inventory: every product made, changed or deleted, after its commit",
        Kind.DURABLE,
        sends=(
            MessageShape(WELCOME, "You are connected", fields={"message": str}, welcome=True),
            MessageShape(CREATED, "A product was made", Product),
            MessageShape(UPDATED, "A product was changed; the whole of it", Product),
            MessageShape(DELETED, "A product was deleted", ProductGone),
        ),
    ),
)
