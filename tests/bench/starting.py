"""What a start costs, with a new database and with one that has much in it, and what a server takes up at rest."""

from quart_app.cli.bench.measures import Figures, carry_out
from quart_app.cli.bench.process import resident, settled
from tests.bench.loads import FullLoad
from tests.bench.servers import Server


def start(server: Server, load: FullLoad) -> Figures:
    """Return the processor time (s) from the command to listening, of a server that has just been started, and the
    memory (MB) that it has in RAM at rest."""
    return _figures("start", "rest", server)


def start_stored(server: Server, load: FullLoad) -> Figures:
    """Return the same of a server whose database has `load.stored` events."""
    server.stop()
    server.fill(load.stored)
    server.start()
    return _figures("start_stored", "rest_stored", server)


def _figures(start: str, rest: str, server: Server) -> Figures:
    carry_out(settled(server.target.pid))
    memory = resident(server.target.pid)
    if server.used is None or memory is None:
        return {}
    return {start: server.used, rest: memory / 1_024}
