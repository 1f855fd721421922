"""`GET /health`: is the process well, and are its stores.

This file owns the answer only. What there is to look at is known by the application, which offers it as `healthy()`.
"""

import asyncio
from typing import Annotated, Final, Literal, TypedDict

from msgspec import Meta
from quart import Blueprint, Response, jsonify

from quart_app import __version__
from quart_app.web.context import app
from quart_app.web.operations import Operation

health = Blueprint("health", __name__)

# A probe that hangs is as bad as one that fails; probes commonly give up after 5 to 10 s.
CHECK_SECONDS = 3.0
OK: Final = "ok"


class Health(TypedDict):
    """The health of the process, and of each of its parts: `ok`, or what is wrong with it."""

    status: Literal["ok", "failing"]
    version: str
    checks: Annotated[dict[str, str], Meta(examples=[{"database": "ok", "writer": "ok"}])]


class HealthAnswer(TypedDict):
    """The answer of `/health`; `success` tells whether all is well."""

    success: bool
    data: Health


@health.get("/health")
@Operation(tag="operations", answer=HealthAnswer, bare=True, also=(503,))
async def check() -> Response:
    """Answer 200 when every part is well, else 503.

    Out: ``{"success": bool, "data": {"status": "ok" or "failing", "version": str, "checks": {part: state}}}``.
    """
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            checks = await app().healthy()
    except TimeoutError:
        checks = {"process": f"no answer within {CHECK_SECONDS:g} s"}
    well = all(state == OK for state in checks.values())
    data: Health = {"status": OK if well else "failing", "version": __version__, "checks": checks}
    response = jsonify({"success": well, "data": data})
    response.status_code = 200 if well else 503
    response.headers["Cache-Control"] = "no-store"
    return response
