"""A product as REST answers it and as the topic `products` tells of it, by field and type.

The Spanish names are those of the system that this one replaces. This file knows neither tables nor sockets.
"""

from typing import Annotated

from msgspec import Meta, Struct

from quart_app.domains.products import rules

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
