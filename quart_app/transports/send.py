"""`POST /send/<topic>`: what a WebSocket client would send, for those who are on SSE or poll."""

from quart import Blueprint, Response, request

from quart_app.context import app
from quart_app.transports.opening import speaker_and_connection


def add_routes(routes: Blueprint) -> None:
    """Serve `POST /send`."""
    routes.post("/send/<path:name>")(_send)


async def _send(name: str) -> Response:
    topic = app().hub.channels.topic(name)
    data: bytes = await request.get_data(as_text=False)  # type: ignore[assignment]  # Quart tells of text too
    identity, connection = speaker_and_connection()
    if identity.payer:
        app().hub.count_request(identity)
    if connection is not None and not connection.takes(topic):
        connection = None
    answers = await app().hub.answer(connection or identity, data, topic)
    body = b'{"messages":[%b]}' % b",".join([answer.json for answer in answers])
    return Response(body, content_type="application/json", headers={"Cache-Control": "no-store"})
