"""`python -m tests.transports.socketio.server serve …`: the program, with Socket.IO on topics that a test can fill."""

import sys

from quart_app import cli
from quart_app.domains import Program, topics
from quart_app.realtime import limits
from quart_app.transports.socketio import server

TOPICS = ("log/socketio", "state/socketio")
# Nobody is to wait for the usual deadline, nor to say so much as a busy machine can hear.
CONNECT_DEADLINE = 3.0  # s
INBOUND_RATE, INBOUND_BURST = 10.0, 200.0  # messages a second, messages


def main() -> None:
    contribute = topics.contribute

    def contribute_and_serve(program: Program) -> None:
        contribute(program)
        program.serve_socketio(*TOPICS)

    topics.contribute = contribute_and_serve
    vars(server)["CONNECT_DEADLINE"] = CONNECT_DEADLINE
    vars(limits).update(INBOUND_RATE=INBOUND_RATE, INBOUND_BURST=INBOUND_BURST)
    cli.main(sys.argv[1:])


if __name__ == "__main__":
    main()
