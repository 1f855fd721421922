"""`POST /send/<topic>`: what a WebSocket client would send, for those who are on SSE or poll."""

from quart import Blueprint, Response, request

from quart_app.context import app
from quart_app.transports.elsewhere import perform_anywhere
from quart_app.transports.opening import speaker_and_connection


def add_routes(routes: Blueprint) -> None:
    """Serve `POST /send`."""
    routes.post("/send/<path:name>")(_send)


async def _send(name: str) -> Response:
    hub = app().hub
    topic = hub.channels.topic(name)
    data: bytes = await request.get_data(as_text=False)  # type: ignore[assignment]  # Quart tells of text too
    identity, named = speaker_and_connection()
    answers = await perform_anywhere(hub, identity, named, data, topic)
    body = b'{"messages":[%b]}' % b",".join(answers)
    return Response(body, content_type="application/json", headers={"Cache-Control": "no-store"})
