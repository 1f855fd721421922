"""Operations: what the server is doing, as numbers for machines and for people, who is connected to it, by which
doors."""

from quart_app.domains import Program
from quart_app.domains.operations.channel import OperationsChannel
from quart_app.domains.operations.counts import Counts
from quart_app.domains.operations.doors import DoorKeeping
from quart_app.domains.operations.events import TOPIC, TOPICS
from quart_app.domains.operations.looks import Looks
from quart_app.domains.operations.metrics import Metrics
from quart_app.domains.operations.pages import pages
from quart_app.domains.operations.rules import LOOK_INTERVAL
from quart_app.domains.operations.service import Operations
from quart_app.domains.operations.views import routes
from quart_app.realtime import Feed

MODELS = None


def contribute(program: Program) -> None:
    """Add the operations to `program`: the topic and its feed, the REST, `/metrics` and the page."""
    counts = Counts(program.hub, program.security)
    looks = Looks(counts)
    operations = Operations(counts, program.security, program.settings)
    keeping = DoorKeeping(program.hub, program.doors, program.settings)
    program.hub.channels.add(TOPIC, OperationsChannel(looks))
    program.hub.feeds.add(Feed(TOPIC, LOOK_INTERVAL, looks.look))
    program.describe(*TOPICS)
    metrics = Metrics(counts, program.security, program.settings.node_name)
    program.add_routes(routes(operations, metrics, keeping))
    program.add_routes(pages(operations, keeping))
    program.show_links_to("/admin", lambda who: who.is_admin)
