"""REST of the laboratory: runs of lessons."""

import gzip
from typing import Final

from quart import Blueprint, Response

from quart_app.domains.lab.asking import lesson_of, request_for
from quart_app.domains.lab.requests import RunAsked
from quart_app.domains.lab.shapes import Fingerprint, RunTold
from quart_app.lab.laboratory import Laboratory, Ran
from quart_app.realtime import Refused, checked
from quart_app.web.context import speaker, this_door, this_request
from quart_app.web.operations import JSON, Operation
from quart_app.web.rest import json_body

_YEAR: Final = "max-age=31536000, immutable"  # a run is what its fingerprint says


def routes(laboratory: Laboratory) -> Blueprint:
    """Return `/api/lab/runs…`."""
    views = _Views(laboratory)
    blueprint = Blueprint("lab", __name__)
    blueprint.post("/api/lab/runs")(views.run)
    blueprint.get("/api/lab/runs/<fingerprint>")(views.kept)
    return blueprint


class _Views:
    def __init__(self, laboratory: Laboratory) -> None:
        self._laboratory = laboratory

    @Operation(tag="laboratory", body=RunAsked, answer=RunTold, bare=True)
    async def run(self) -> Response:
        """Run strategies of a lesson, each under the same storm: the same is asked, the same comes, to the letter.

        What the lesson does not have is refused (422) by the name of its field.
        """
        speaker()
        asked = checked(await json_body(), RunAsked)
        request = request_for(lesson_of(asked.lesson), asked.seed, asked.knobs, asked.strategies, asked.acts)
        return _answer(await self._laboratory.run(request), "no-store")

    @Operation(tag="laboratory", answer=RunTold, bare=True, path=(("fingerprint", Fingerprint),), refusals=(404,))
    async def kept(self, fingerprint: str) -> Response:
        """Return one of the last runs; it never changes. One that is not kept any more is made again by a POST."""
        speaker()
        ran = self._laboratory.kept(fingerprint)
        if ran is None:
            said = "this run is not kept any more: POST /api/lab/runs with its lesson, seed, knobs, strategies and acts"
            raise Refused("not_found", said, status=404)
        return _answer(ran, f"{'private' if this_door().secure else 'public'}, {_YEAR}")


def _answer(ran: Ran, cache: str) -> Response:
    headers = {"Cache-Control": cache, "Vary": "Accept-Encoding"}
    if this_request().accept_encodings["gzip"]:
        return Response(ran.gzipped, content_type=JSON, headers=headers | {"Content-Encoding": "gzip"})
    return Response(gzip.decompress(ran.gzipped), content_type=JSON, headers=headers)
