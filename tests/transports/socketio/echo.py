"""`python -m tests.transports.socketio.echo serve …`: the program, whose Engine.IO answers each message with itself.

That is what the official tests of Engine.IO ask of a server. What the program says of Socket.IO is left out.
"""

from typing import Any

from quart_app.transports.socketio.server import SocketIo
from tests.transports.socketio import server

_init = SocketIo.__init__


def _init_with_echo(socketio: SocketIo, *arguments: Any, **named: Any) -> None:
    _init(socketio, *arguments, **named)
    engine = socketio._server.eio

    async def echo(engine_id: str, data: str | bytes) -> None:
        await engine.send(engine_id, data)

    engine.on("message", echo)


if __name__ == "__main__":
    SocketIo.__init__ = _init_with_echo  # type: ignore[assignment,method-assign]  # it is done before there is one
    server.main()
