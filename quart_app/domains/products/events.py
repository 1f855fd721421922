"""What happens to products, and the topic that tells of it.

Every change carries the whole product, so that hearing of one twice is harmless. This file knows neither tables nor
sockets.
"""

from typing import Final

from quart_app.domains.products.shapes import Product, ProductGone
from quart_app.realtime import Kind, MessageShape, TopicShape

TOPIC: Final = "products"
WELCOME: Final = "CONNECTION_ESTABLISHED"
CREATED: Final = "PRODUCT_CREATED"
UPDATED: Final = "PRODUCT_UPDATED"
DELETED: Final = "PRODUCT_DELETED"

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
