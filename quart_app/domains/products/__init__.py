"""The inventory: products that everybody sees change, over REST and live."""

from quart_app.domains import Program
from quart_app.domains.products.channel import ProductChannel
from quart_app.domains.products.events import TOPIC, TOPICS
from quart_app.domains.products.examples import add_products
from quart_app.domains.products.pages import pages
from quart_app.domains.products.service import Inventory
from quart_app.domains.products.views import routes

MODELS = "quart_app.domains.products.models"


def contribute(program: Program) -> None:
    """Add the inventory to `program`: its topic, at the address of the older system too, its REST and its page."""
    inventory = Inventory(program)
    program.hub.channels.add(TOPIC, ProductChannel())
    program.serve_websocket("/", TOPIC)
    program.describe(*TOPICS)
    program.add_examples(add_products)
    program.add_routes(routes(program, inventory))
    program.add_routes(pages(program, inventory))
    program.add_to_menu("/products", "nav.products")
