"""The inventory as its rules have it: every change of a product makes its next version."""

from decimal import Decimal
from typing import Any

from quart_app.domains.products import events, rules
from tests.cluster.models.model import Mark, Model
from tests.cluster.models.timeline import Timeline
from tests.cluster.rows import LogEvent, Tables

_TYPES = {
    "products.create": events.CREATED,
    "products.update": events.UPDATED,
    "products.delete": events.DELETED,
}
_NAMED_BY = {events.CREATED: "nombre", events.UPDATED: "descripcion", events.DELETED: "id"}

Product = dict[str, Any]


class Products(Model):
    """`products.create` with a `nombre` of its own, `products.update` with a `descripcion` of its own, and
    `products.delete` of an `id`; the latter two with the `version` that they are meant for, or None."""

    def __init__(self) -> None:
        self._products: Timeline[Product] = Timeline()
        self._rows: dict[int, tuple[Any, ...]] = {}

    @staticmethod
    def mark_of_command(do: str, asked: dict[str, Any]) -> Mark:
        type = _TYPES[do]
        return (events.TOPIC, type, asked[_NAMED_BY[type]])

    @staticmethod
    def mark_of_event(event: LogEvent) -> Mark | None:
        return (event.topic, event.type, event.data[_NAMED_BY[event.type]]) if event.topic == events.TOPIC else None

    def apply(self, event: LogEvent) -> str | None:
        if event.topic != events.TOPIC:
            return None
        id = event.data["id"]
        before = self._products.now(id)
        after = None if event.type == events.DELETED else event.data
        self._products.put(id, event.position, after)
        if after is None:
            self._rows.pop(id, None)
        else:
            price = rules.cents(Decimal(repr(after["precio"])))
            self._rows[id] = (after["nombre"], after["descripcion"], price, after["stock"], after["version"])
        if (before is None) != (event.type == events.CREATED):
            return f"is a {event.type} of a product that " + ("does not exist" if before is None else "exists")
        version = 0 if before is None else before["version"]
        if after is not None and after["version"] != version + 1:
            return f"makes version {after['version']} of version {version}"
        return None

    def answer(self, do: str, event: LogEvent) -> Product | None:
        """Return what who caused the event is to be answered: the product, a deleted one as it was."""
        if do != "products.delete":
            return dict(event.data)
        return self._products.during(event.data["id"], event.position - 1, event.position - 1)[0]

    def refuses(self, asked: dict[str, Any], code: str, low: int, high: int) -> bool:
        """Return whether the inventory could refuse this somewhere between two positions."""
        states = self._products.during(asked.get("id"), low, high)
        match code:
            case "version_conflict":
                return any(state is not None and state["version"] != asked["version"] for state in states)
            case "product_not_found":
                return None in states
            case _:
                return False

    def tables(self) -> Tables:
        return {"products": self._rows}
