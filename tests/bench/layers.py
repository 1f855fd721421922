"""`python -m tests.bench.layers asgi`, or `quart`: what is below En Vivo, each answering as shortly as it can.

What En Vivo's requests and connections cost more than these is its own. Where it costs less it goes past them.
"""

import argparse
import asyncio
from typing import Any, Final

from quart import Quart, request, websocket

from quart_app.server.event_loop import new_event_loop
from tests.bench.hypercorn_serving import serve_here

_ANSWER: Final = b'{"success":true,"published":1,"id":"80dacd9be498-0"}\n'
_WELCOME: Final = '{"type":"connected"}'
quart = Quart(__name__)


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    """Answer every request, and accept every WebSocket."""
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
    elif scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": _WELCOME})
        while (await receive())["type"] != "websocket.disconnect":
            pass
    else:
        while (await receive()).get("more_body"):
            pass
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(_ANSWER))]
        await send({"type": "http.response.start", "status": 202, "headers": headers})
        await send({"type": "http.response.body", "body": _ANSWER})


@quart.post("/api/publish")
async def publish() -> tuple[bytes, int, dict[str, str]]:
    await request.get_data()
    return _ANSWER, 202, {"Content-Type": "application/json"}


@quart.websocket("/ws/<path:topic>")
async def follow(topic: str) -> None:
    await websocket.accept()
    await websocket.send(_WELCOME)
    while True:
        await websocket.receive()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("layer", choices=["asgi", "quart"])
    chosen = parser.parse_args().layer
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(serve_here(quart if chosen == "quart" else asgi))
