"""The open namespaces: `log/…`, `state/…` and `live/…`, for people's own experiments."""

from quart_app.domains import Program
from quart_app.domains.topics.channel import OpenChannel
from quart_app.domains.topics.events import TOPICS
from quart_app.domains.topics.listing import Listing
from quart_app.domains.topics.pages import pages
from quart_app.domains.topics.service import Publisher
from quart_app.domains.topics.views import routes
from quart_app.realtime import Kind

MODELS = None


def contribute(program: Program) -> None:
    """Add the open namespaces to `program`: their topics and REST, and the pages of all topics."""
    publisher = Publisher(program.hub, program)
    for prefix, kind in (("log", Kind.DURABLE), ("state", Kind.STATE), ("live", Kind.SIGNAL)):
        program.hub.channels.add(f"{prefix}/*", OpenChannel(kind, publisher))
    program.describe(*TOPICS)
    listing = Listing(program)
    program.add_routes(routes(program, publisher, listing))
    program.add_routes(pages(program, listing))
