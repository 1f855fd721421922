"""The laboratory in the browser: its lessons, and their runs, which a process of its own makes."""

from quart_app.domains import Program
from quart_app.domains.lab.pages import pages
from quart_app.domains.lab.views import routes
from quart_app.lab.laboratory import Laboratory

MODELS = None


def contribute(program: Program) -> None:
    """Add the laboratory to `program`: its REST and its pages."""
    laboratory = Laboratory()
    program.at_stop(laboratory.close)
    program.add_routes(routes(laboratory))
    program.add_routes(pages(laboratory))
    program.add_to_menu("/lab", "nav.laboratory")
