"""Long poll: `/poll/<topic>`, `/poll?topic=…`. It is stateless: the cursor in the answer says it all.

Between two requests the connection is parked, so that its user stays present and `/send` knows it.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import replace

from quart import Blueprint, Response, request

from quart_app.context import app
from quart_app.doors import door_of
from quart_app.identity import check_reader
from quart_app.realtime import EndedMeanwhile, Refused, limits
from quart_app.transports.elsewhere import resume
from quart_app.transports.opening import opening, source, speaker_and_connection


def add_routes(routes: Blueprint) -> None:
    """Serve `GET /poll`."""
    routes.get("/poll", defaults={"name": None})(_poll)
    routes.get("/poll/<path:name>")(_poll)


async def _poll(name: str | None) -> Response:
    live = app().hub
    check_reader(door_of(source().scope), source())
    asked = opening("poll", name)
    wait = _wait()
    if request.method == "HEAD":
        await live.check(asked)
        return _answer(b"")
    if asked.since is not None and "." in asked.since and not asked.fresh:
        try:
            identity, named = speaker_and_connection()
            connection = await resume(live, replace(asked, identity=identity), named)
        except EndedMeanwhile as away:
            return _answer(_body(away.words, asked.since))
    else:
        connection = await live.open(asked)
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - a request is handled in a task
    live.park_after(connection, task)
    messages, cursor = await connection.collect(wait)
    body = _body([message.json for message in messages], cursor)
    connection.count(len(messages), len(body))
    return _answer(body)


def _body(messages: Iterable[bytes], cursor: str) -> bytes:
    return b'{"messages":[%b],"id":"%b"}' % (b",".join(messages), cursor.encode())


def _answer(body: bytes) -> Response:
    return Response(body, content_type="application/json", headers={"Cache-Control": "no-store"})


def _wait() -> float:
    try:
        wait = float(request.args.get("wait", limits.POLL_WAIT))
    except ValueError:
        wait = -1.0
    if not 0 <= wait <= limits.POLL_WAIT:
        allowed = f"a number of seconds from 0 to {limits.POLL_WAIT:.0f}"
        raise Refused("bad_request", f"wait: {allowed}", fields={"wait": allowed})
    return wait
