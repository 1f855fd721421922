"""The veterinary clinic: eight kinds of record, each with REST and a live topic, and notices to pets' owners."""

from quart_app.domains import Program
from quart_app.domains.clinic.channel import EntityChannel, UserChannel
from quart_app.domains.clinic.entities import ENTITIES
from quart_app.domains.clinic.events import TOPICS
from quart_app.domains.clinic.examples import practice
from quart_app.domains.clinic.pages import pages
from quart_app.domains.clinic.rules import is_staff
from quart_app.domains.clinic.service import Clinic
from quart_app.domains.clinic.views import routes

MODELS = "quart_app.domains.clinic.models"


def contribute(program: Program) -> None:
    """Add the clinic to `program`: its topics, its REST, its page and its examples."""
    clinic = Clinic(program)
    for entity in ENTITIES.values():
        program.hub.channels.add(entity.name, EntityChannel(entity))
    program.hub.channels.add("user/*", UserChannel())
    program.describe(*TOPICS)
    program.add_examples(practice)
    program.add_routes(routes(program, clinic))
    program.add_routes(pages(program, clinic))
    program.add_to_menu("/clinic", "nav.clinic")
    program.show_links_to("/clinic", is_staff)
