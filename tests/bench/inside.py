"""`python -m tests.bench.inside`: En Vivo as `envivo serve` serves it, and one route more: `POST /bench/turns`.

The route publishes inside the server, one message per turn of the event loop, so that what a delivery costs can be
seen without the requests that publish. Settings come from the environment alone.
"""

import asyncio
import sys
from typing import Any

from quart import request

from quart_app.app import EnVivo, create_app
from quart_app.config import Settings, load_settings
from quart_app.server.configuration import ServerOptions
from quart_app.server.running import serve


def build(settings: Settings) -> EnVivo:
    app = create_app(settings)

    @app.post("/bench/turns")
    async def turns() -> dict[str, Any]:
        order = await request.get_json()
        topic, mark, pad = order["topic"], order["mark"], "x" * order["pad"]
        for number in range(order["first"], order["first"] + order["count"]):
            app.hub.broadcast(topic, "bench", data={"text": f"{mark}{number};{pad}"})
            await asyncio.sleep(0)
        return {"success": True}

    return app


if __name__ == "__main__":
    settings = load_settings()
    sys.exit(serve(settings, ServerOptions(), lambda: build(settings)))
