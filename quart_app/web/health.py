"""`GET /health`: is the process well, and are its stores.

This file owns the answer only. What there is to look at is known by the application, which offers it as `healthy()`.
"""

import asyncio
from typing import Annotated, Final, Literal, NotRequired, TypedDict

from msgspec import Meta, Struct
from quart import Blueprint, Response, jsonify

from quart_app import __version__
from quart_app.web.context import app, visitor
from quart_app.web.operations import Operation
from quart_app.web.rest import query_as

health = Blueprint("health", __name__)

# A probe that hangs is as bad as one that fails; probes commonly give up after 5 to 10 s.
CHECK_SECONDS = 3.0
OK: Final = "ok"
FAILING: Final = "failing"
LEAVING: Final = "leaving"
BACKPLANE: Final = "backplane"
"""The part without which a node goes on: were all nodes to fail their checks when it is away, nobody would serve."""


class HealthQuery(Struct, frozen=True):
    """The query of `/health`."""

    ready: Annotated[bool, Meta(description="1: ask whether new clients may be brought here, too.")] = False


class Health(TypedDict):
    """The health of the process, and of each of its parts: `ok` or `failing`; what is wrong with it, which version this
    is and which node, administrators are told. The backplane, where there is one, is `up` or away.

    Who asks whether it is ready is told `leaving` of a process that has been told to stop."""

    status: Literal["ok", "failing", "leaving"]
    version: NotRequired[str]
    node: NotRequired[str]
    checks: Annotated[dict[str, str], Meta(examples=[{"database": "ok", "writer": "ok"}])]


class HealthAnswer(TypedDict):
    """The answer of `/health`; `success` tells whether all is well."""

    success: bool
    data: Health


@health.get("/health")
@Operation(tag="operations", query=HealthQuery, answer=HealthAnswer, bare=True, also=(503,))
async def check() -> Response:
    """Answer 200 when every part is well, else 503; with `ready=1` also 503 once the process has been told to stop.

    Out: ``{"success": bool, "data": {"status": "ok", "failing" or "leaving", "version"?: str, "node"?: str, "checks":
    {part: state}}}``. A state is "ok" or "failing", to administrators what is wrong in words. In open mode everybody
    is one. The backplane is "up" or "away for 12 s", which is no reason for 503.
    """
    asked = query_as(HealthQuery)
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            checks = await app().healthy()
    except TimeoutError:
        checks = {"process": f"no answer within {CHECK_SECONDS:g} s"}
    stays = not (asked.ready and app().leaving)
    backplane = {BACKPLANE: checks.pop(BACKPLANE)} if BACKPLANE in checks else {}
    well = all(state == OK for state in checks.values())
    who = visitor()
    if who is not None and who.is_admin:
        name = app().settings.node_name
        data: Health = {
            "status": _word(well, stays),
            "version": __version__,
            "node": name,
            "checks": checks | backplane,
        }
    else:
        words: dict[str, str] = {part: _word(state == OK) for part, state in checks.items()}
        data = {"status": _word(well, stays), "checks": words | backplane}
    response = jsonify({"success": well and stays, "data": data})
    response.status_code = 200 if well and stays else 503
    response.headers["Cache-Control"] = "no-store"
    return response


def _word(well: bool, stays: bool = True) -> Literal["ok", "failing", "leaving"]:
    return FAILING if not well else OK if stays else LEAVING
