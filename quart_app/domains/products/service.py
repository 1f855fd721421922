"""What can be done with the inventory: make, change and delete products, and look at them.

The service loads, decides, saves, records. It answers with products as the wire has them; it knows nothing of requests.
"""

from collections.abc import Awaitable, Callable

from msgspec import convert

from quart_app.domains.products import events, rules
from quart_app.domains.products.models import ProductRow
from quart_app.domains.products.shapes import Product, ProductGone
from quart_app.realtime import Identity, Refused, timestamp
from quart_app.storage.idempotency import IdempotencyKey
from quart_app.storage.unit_of_work import Committer, UnitOfWork
from quart_app.surroundings import now

Versions = frozenset[int]
"""The versions that a change is meant for."""


class VersionConflict(Refused):
    """A change was meant for another version of the product than the `current` one."""

    def __init__(self, current: Product) -> None:
        said = f"the product was changed meanwhile: its version is {current.version} now"
        super().__init__("version_conflict", said, status=409, fields={"version": f"it is {current.version} now"})
        self.current = current


class Inventory:
    """The use cases of the inventory."""

    def __init__(self, committer: Committer) -> None:
        self._committer = committer

    async def products(self, *, after: int = 0, limit: int = rules.PRODUCTS) -> list[Product]:
        """Return the first `limit` products whose ids are larger than `after`, by id."""
        return [_on_wire(row) for row in await ProductRow.filter(id__gt=after).order_by("id").limit(limit)]

    async def product(self, id: int | None) -> Product:
        """Return one product. Raise Refused (`product_not_found`, 404)."""
        return _on_wire(await _row(id))

    async def create(self, columns: rules.Columns, who: Identity, *, key: str | None = None) -> Product:
        """Make a product and return it. With a `key` (its maker's own) it is made once, however often it is asked.

        Raise Refused (`too_many_products`, 409).
        """

        async def unit(work: UnitOfWork) -> Product:
            if await ProductRow.all().count() >= rules.PRODUCTS:
                raise Refused("too_many_products", f"there are {rules.PRODUCTS:,} products already", status=409)
            product = await create(work, columns)
            work.attribute(who, "create", _object(product.id), rules.told({}, columns))
            return product

        return await self._run(unit, IdempotencyKey.of("products create", who, key, columns))

    async def update(
        self, id: int | None, columns: rules.Columns, meant: Versions | None, who: Identity, *, key: str | None = None
    ) -> Product:
        """Change some columns of a product and return it; where `meant` is given, only of one of those versions.

        Raise Refused (`product_not_found`, 404), VersionConflict.
        """

        async def unit(work: UnitOfWork) -> Product:
            row = await _meant_row(id, meant)
            work.attribute(who, "update", _object(row.id), rules.told(vars(row), columns))
            row.update_from_dict({**columns, "version": row.version + 1, "updated_at": max(now(), row.updated_at)})
            await row.save()
            product = _on_wire(row)
            work.record(events.TOPIC, events.UPDATED, product)
            return product

        return await self._run(unit, IdempotencyKey.of(f"products update {id}", who, key, (columns, _asked(meant))))

    async def delete(self, id: int | None, meant: Versions | None, who: Identity, *, key: str | None = None) -> Product:
        """Delete a product, and return what it was.

        Raise Refused (`product_not_found`, 404), VersionConflict.
        """

        async def unit(work: UnitOfWork) -> Product:
            row = await _meant_row(id, meant)
            await row.delete()
            work.record(events.TOPIC, events.DELETED, ProductGone(row.id))
            work.attribute(who, "delete", _object(row.id), rules.told({}, {"stock": row.stock}))
            return _on_wire(row)

        return await self._run(unit, IdempotencyKey.of(f"products delete {id}", who, key, _asked(meant)))

    async def _run(self, unit: Callable[[UnitOfWork], Awaitable[Product]], key: IdempotencyKey | None) -> Product:
        # With a key the answer comes back as JSON's own types.
        return convert(await self._committer.commit(unit, key=key), Product)


def _object(id: int) -> str:
    """Return how the security log names a product."""
    return f"{events.TOPIC}/{id}"


async def create(work: UnitOfWork, columns: rules.Columns) -> Product:
    """Make a product inside the unit `work`, and return it."""
    at = now()
    product = _on_wire(await ProductRow.create(**columns, created_at=at, updated_at=at))
    work.record(events.TOPIC, events.CREATED, product)
    return product


def _asked(meant: Versions | None) -> list[int] | None:
    """Return the versions that a change is meant for, as JSON can hold them."""
    return None if meant is None else sorted(meant)


async def _row(id: int | None) -> ProductRow:
    row = None if id is None else await ProductRow.get_or_none(id=id)
    if row is None:
        raise Refused("product_not_found", "there is no such product", status=404)
    return row


async def _meant_row(id: int | None, meant: Versions | None) -> ProductRow:
    row = await _row(id)
    if meant is not None and row.version not in meant:
        raise VersionConflict(_on_wire(row))
    return row


def _on_wire(row: ProductRow) -> Product:
    return Product(
        id=row.id,
        nombre=row.nombre,
        descripcion=row.descripcion,
        precio=row.precio_cents / 100,  # the nearest double, which is written with the same two decimals
        stock=row.stock,
        created_at=timestamp(row.created_at),
        updated_at=timestamp(row.updated_at),
        version=row.version,
    )
