"""The page of the inventory, drawn with what is true now and the cursor to go on from."""

from msgspec import to_builtins
from quart import Blueprint, render_template

from quart_app.domains import Program
from quart_app.domains.products.access import may_change
from quart_app.domains.products.service import Inventory
from quart_app.domains.products.shapes import Product
from quart_app.realtime import Hub
from quart_app.web.context import speaker
from quart_app.web.i18n import local_number


def pages(program: Program, inventory: Inventory) -> Blueprint:
    """Return `/products`."""
    shown = _Pages(program.hub, inventory)
    blueprint = Blueprint("products_pages", __name__, template_folder="templates")
    blueprint.get("/products")(shown.inventory)
    return blueprint


class _Pages:
    def __init__(self, hub: Hub, inventory: Inventory) -> None:
        self._hub = hub
        self._inventory = inventory

    async def inventory(self) -> str:
        """Show the products as they are; the page goes live from `cursor`."""
        changes = may_change(speaker())
        cursor = self._hub.cursor
        products = await self._inventory.products()
        sums = {
            "units": sum(product.stock for product in products),
            "cents": sum(_cents(product) * product.stock for product in products),
        }
        return await render_template(
            "products/index.html",
            given=to_builtins({"products": products, "cursor": cursor, "may_change": changes}),
            products=products,
            sums=sums,
            money=_money,
            whole=_whole,
            cents=_cents,
        )


def _cents(product: Product) -> int:
    return round(product.precio * 100)


def _whole(number: int) -> str:
    """Return a whole number as the page's language writes it.

    Twin of `whole` in `static/js/pages/products/fields.js`.
    """
    return local_number(f"{number:,}")


def _money(cents: int) -> str:
    """Return dollars as the page's language writes them.

    Twin of `money` in `static/js/pages/products/fields.js`.
    """
    return "$" + local_number(f"{cents // 100:,}.{cents % 100:02}")
