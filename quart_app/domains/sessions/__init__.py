"""Sessions: who is signed in, how that ends, and what was revoked."""

from quart_app.domains import Program
from quart_app.domains.sessions import models
from quart_app.domains.sessions.service import Sessions
from quart_app.domains.sessions.views import routes

MODELS = models.__name__


def contribute(program: Program) -> None:
    """Add the sessions to `program`: their REST, and what was revoked before this start."""
    sessions = Sessions(program.hub, program)
    program.at_start(sessions.load)
    program.add_routes(routes(sessions))
