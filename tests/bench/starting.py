"""What a start costs, with a new database and with one that has much in it, and what a server takes up at rest."""

from quart_app.cli.bench.measures import Figures, carry_out
from quart_app.cli.bench.process import resident, settled
from tests.bench.loads import FullLoad
from tests.bench.servers import Server


def start(server: Server, load: FullLoad) -> Figures:
    """Return the processor time (s) from the command to listening, of a server that has just been started, and the
    memory (MB) that it has in RAM at rest."""
    carry_out(settled(server.target.pid))
    memory = resident(server.target.pid)
    return _used("start", server) | ({} if memory is None else {"rest": memory / 1_024})


def start_stored(server: Server, load: FullLoad) -> Figures:
    """Return the processor time (s) from the command to listening where the database has `load.stored` events."""
    server.stop()
    server.fill(load.stored)
    server.start()
    return _used("start_stored", server)


def _used(name: str, server: Server) -> Figures:
    return {} if server.used is None else {name: server.used}
