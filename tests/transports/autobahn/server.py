"""`python -m tests.transports.autobahn.server serve …`: the program, with an echo at `/ws/echo`.

The echo is below JSON: what a WebSocket has taken in goes back by the connection's own way out. Binary messages, which
the program never sends, are written past it. `TESTS_WAY=ordinary` makes it deliver through ASGI alone.
"""

import os
import sys

from quart_app import cli
from quart_app.app import EnVivo
from quart_app.domains import Program, topics
from quart_app.realtime import Channel, Identity, Message, Peer, Welcome
from quart_app.transports.websocket.frames import Opcode
from quart_app.transports.websocket.served import ServedWebsocket
from quart_app.transports.websocket.socket import FramedWebsocket


class Echo(Channel):
    """Lets everybody in, and says nothing of its own."""

    async def authorize(self, identity: Identity, topic: str) -> None:
        """Let them in."""

    async def welcome(self, peer: Peer) -> Welcome:
        return []


async def _echo(served: ServedWebsocket, data: str | bytes) -> None:
    if isinstance(data, str):
        served._connection.reply(Message(data.encode()))
    else:
        await served._asgi.send_event({"type": "websocket.send", "bytes": data, "text": None})


_take = FramedWebsocket._take


def _echo_frame(websocket: FramedWebsocket, opcode: int, data: bytes) -> None:
    if opcode == Opcode.TEXT:
        websocket.connection.reply(Message(data))
    elif opcode == Opcode.BINARY:
        websocket._transport.write(b"\x82" + Message(data).frame[1:])
    else:
        _take(websocket, opcode, data)


def main() -> None:
    contribute = topics.contribute

    def contribute_and_echo(program: Program) -> None:
        contribute(program)
        program.hub.channels.add("echo", Echo())

    topics.contribute = contribute_and_echo
    EnVivo.direct = os.environ.get("TESTS_WAY") != "ordinary"
    ServedWebsocket._receive = _echo  # type: ignore[assignment,method-assign]  # these are the seams below JSON
    FramedWebsocket._take = _echo_frame  # type: ignore[assignment,method-assign]
    cli.main(sys.argv[1:])


if __name__ == "__main__":
    main()
