"""REST of the inventory: reads the request, asks the service, answers.

The Spanish names are those of the system that this one replaces. Every snapshot carries the cursor that was read
before its data.
"""

from typing import Final

from quart import Blueprint, Response, request

from quart_app.domains import Program
from quart_app.domains.products.access import require_employee
from quart_app.domains.products.requests import (
    Conditions,
    Deletion,
    NewProduct,
    ProductChange,
    ProductPage,
    new_product,
    product_change,
)
from quart_app.domains.products.service import Inventory, VersionConflict, Versions
from quart_app.domains.products.shapes import Id, Product
from quart_app.realtime import Hub, Identity, row_id
from quart_app.web.context import speaker
from quart_app.web.errors import error_body
from quart_app.web.operations import Operation
from quart_app.web.rest import exact_json_body, idempotency_key, json_answer, query_as, success

_TAG: Final = "products"
_ID: Final = (("id", Id),)
_MESSAGE: Final = ("message", str)


def routes(program: Program, inventory: Inventory) -> Blueprint:
    """Return `/api/productos…`."""
    views = _Views(program.hub, inventory)
    blueprint = Blueprint("products", __name__)
    blueprint.get("/api/productos")(views.products)
    blueprint.post("/api/productos")(views.create)
    blueprint.get("/api/productos/<id>")(views.product)
    blueprint.put("/api/productos/<id>")(views.update)
    blueprint.delete("/api/productos/<id>")(views.delete)
    blueprint.register_error_handler(VersionConflict, _conflict)
    return blueprint


class _Views:
    def __init__(self, hub: Hub, inventory: Inventory) -> None:
        self._hub = hub
        self._inventory = inventory

    @Operation(tag=_TAG, answer=list[Product], query=ProductPage, beside=(("cursor", str), ("after", int | None)))
    async def products(self) -> Response:
        """List the products by id, those after the id `after` where it is given, `limit` at most.

        `cursor` is where to follow the topic `products` from; `after` is what to ask for the next page with, null where
        there is none.
        """
        speaker()
        asked = query_as(ProductPage)
        cursor = self._hub.cursor
        found = await self._inventory.products(after=asked.after, limit=asked.limit + 1)
        page = found[: asked.limit]
        return success(page, cursor=cursor, after=page[-1].id if len(found) > asked.limit else None)

    @Operation(tag=_TAG, body=NewProduct, answer=Product, status=201, beside=(_MESSAGE,), refusals=(409,))
    async def create(self) -> Response:
        """Make a product: 201; 409 where there are as many as are kept. For employees."""
        who = _employee()
        columns = new_product(await exact_json_body())
        product = await self._inventory.create(columns, who, key=idempotency_key())
        answer = _answer(product, message="Producto creado exitosamente", status=201)
        answer.headers["Location"] = f"/api/productos/{product.id}"
        return answer

    @Operation(tag=_TAG, path=_ID, answer=Product, refusals=(404,))
    async def product(self, id: str) -> Response:
        """Return one product.

        Its version is the `ETag` too.
        """
        speaker()
        return _answer(await self._inventory.product(row_id(id)))

    @Operation(
        tag=_TAG,
        path=_ID,
        headers=Conditions,
        body=ProductChange,
        answer=Product,
        beside=(_MESSAGE,),
        refusals=(404, 409),
    )
    async def update(self, id: str) -> Response:
        """Change the fields that are given.

        With a `version`, or `If-Match` with an `ETag`, that is not the product's any more: 409, `data` the product as
        it is now. For employees.
        """
        who = _employee()
        columns, version = product_change(await exact_json_body())
        product = await self._inventory.update(row_id(id), columns, _meant(version), who, key=idempotency_key())
        return _answer(product, message="Producto actualizado exitosamente")

    @Operation(
        tag=_TAG,
        path=_ID,
        headers=Conditions,
        query=Deletion,
        answer=Product,
        beside=(_MESSAGE,),
        refusals=(404, 409, 422),
    )
    async def delete(self, id: str) -> Response:
        """Delete a product: `data` is what it was. `version` and `If-Match` as in a change. For employees."""
        who = _employee()
        version = query_as(Deletion).version
        product = await self._inventory.delete(row_id(id), _meant(version), who, key=idempotency_key())
        return _answer(product, message="Producto eliminado exitosamente")


def _employee() -> Identity:
    """Return who asks. Raise Refused unless they may change the inventory."""
    who = speaker()
    require_employee(who)
    return who


def _meant(version: int | None) -> Versions | None:
    """Return the versions that a change is meant for, of the request itself and of `If-Match` (RFC 9110 section
    13.1.1)."""
    meant = None if version is None else frozenset({version})
    if "If-Match" not in request.headers or request.if_match.star_tag:
        return meant
    tags = frozenset(number for tag in request.if_match.as_set() if (number := row_id(tag)) is not None)
    return tags if meant is None else tags & meant


def _answer(product: Product, *, status: int = 200, **beside: str) -> Response:
    answer = success(product, status=status, **beside)
    answer.set_etag(str(product.version))
    return answer


async def _conflict(conflict: VersionConflict) -> Response:
    fields = dict(conflict.fields or {})
    refusal = {**error_body(conflict.code, conflict.message, fields), "data": conflict.current}
    answer = json_answer(refusal, conflict.status)
    answer.set_etag(str(conflict.current.version))
    return answer
