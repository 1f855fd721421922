"""The laboratory in the browser: its lessons, their runs, which a process of its own makes, and hunts."""

from quart_app.domains import Program
from quart_app.domains.lab.channel import SearchChannel
from quart_app.domains.lab.events import TOPICS
from quart_app.domains.lab.pages import pages
from quart_app.domains.lab.service import Searches
from quart_app.domains.lab.views import routes
from quart_app.lab.laboratory import Laboratory

MODELS = None


def contribute(program: Program) -> None:
    """Add the laboratory to `program`: the topics of hunts, its REST and its pages."""
    laboratory = Laboratory()
    searches = Searches(program.hub, laboratory)
    program.at_stop(searches.close)
    program.at_stop(laboratory.close)
    program.hub.channels.add("lab/*", SearchChannel(searches))
    program.describe(*TOPICS)
    program.add_routes(routes(laboratory, searches))
    program.add_routes(pages(laboratory))
    program.add_to_menu("/lab", "nav.laboratory")
