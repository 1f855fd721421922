"""REST of the laboratory: runs of lessons, and hunts and sweeps, of which topics tell."""

import asyncio
import gzip
from typing import Final

from quart import Blueprint, Response

from quart_app.domains.lab.asking import lesson_of, request_for
from quart_app.domains.lab.requests import HuntAsked, RunAsked, SweepAsked
from quart_app.domains.lab.searching import Hunt, Plan, Sweep
from quart_app.domains.lab.service import Searches
from quart_app.domains.lab.shapes import Begun, Fingerprint, RunTold, SearchId, Stopped
from quart_app.lab.laboratory import Laboratory, Ran
from quart_app.realtime import Refused, checked
from quart_app.web.compression import is_accepted, put
from quart_app.web.context import speaker, this_door
from quart_app.web.operations import JSON, Operation
from quart_app.web.rest import json_answer, json_body, success

_YEAR: Final = "max-age=31536000, immutable"  # a run is what its fingerprint says


def routes(laboratory: Laboratory, searches: Searches) -> Blueprint:
    """Return `/api/lab/runs…`, `/api/lab/hunts…` and `/api/lab/sweeps…`."""
    runs, searching = _Runs(laboratory), _Searching(searches)
    blueprint = Blueprint("lab", __name__)
    blueprint.post("/api/lab/runs")(runs.run)
    blueprint.get("/api/lab/runs/<fingerprint>")(runs.kept)
    blueprint.post("/api/lab/hunts")(searching.hunt)
    blueprint.delete("/api/lab/hunts/<id>")(searching.stop_hunt)
    blueprint.post("/api/lab/sweeps")(searching.sweep)
    blueprint.delete("/api/lab/sweeps/<id>")(searching.stop_sweep)
    return blueprint


class _Runs:
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
        return await _answer(await self._laboratory.run(request), "no-store")

    @Operation(tag="laboratory", answer=RunTold, bare=True, path=(("fingerprint", Fingerprint),), refusals=(404,))
    async def kept(self, fingerprint: str) -> Response:
        """Return one of the last runs; it never changes. One that is not kept any more is made again by a POST."""
        speaker()
        ran = self._laboratory.kept(fingerprint)
        if ran is None:
            said = "this run is not kept any more: POST /api/lab/runs with its lesson, seed, knobs, strategies and acts"
            raise Refused("not_found", said, status=404)
        return await _answer(ran, f"{'private' if this_door().secure else 'public'}, {_YEAR}")


class _Searching:
    def __init__(self, searches: Searches) -> None:
        self._searches = searches

    @Operation(tag="laboratory", body=HuntAsked, answer=Begun, status=202, bare=True)
    async def hunt(self) -> Response:
        """Hunt for seeds that break a strategy.

        The answer is 202 `{id, topic}`; the topic tells how far the hunt is, and in the end what came of it.
        """
        speaker()
        asked = checked(await json_body(), HuntAsked)
        return self._begin(Hunt.of(lesson_of(asked.lesson), asked))

    @Operation(tag="laboratory", body=SweepAsked, answer=Begun, status=202, bare=True)
    async def sweep(self) -> Response:
        """Try a strategy for many values of a knob.

        The answer is 202 `{id, topic}`, as with a hunt.
        """
        speaker()
        asked = checked(await json_body(), SweepAsked)
        return self._begin(Sweep.of(lesson_of(asked.lesson), asked))

    def _begin(self, plan: Plan) -> Response:
        id, topic = self._searches.begin(plan)
        return json_answer({"success": True, "id": id, "topic": topic}, 202)

    @Operation(tag="laboratory", answer=Stopped, path=(("id", SearchId),), refusals=(404,))
    async def stop_hunt(self, id: str) -> Response:
        """Stop a hunt; one that has ended stays as it is."""
        return await self._stop("hunts", id)

    @Operation(tag="laboratory", answer=Stopped, path=(("id", SearchId),), refusals=(404,))
    async def stop_sweep(self, id: str) -> Response:
        """Stop a sweep; one that has ended stays as it is."""
        return await self._stop("sweeps", id)

    async def _stop(self, sort: str, id: str) -> Response:
        speaker()
        await self._searches.stop(f"lab/{sort}/{id}")
        return success(Stopped(id))


async def _answer(ran: Ran, cache: str) -> Response:
    response = Response(b"", content_type=JSON, headers={"Cache-Control": cache})
    if is_accepted(response):
        put(response, ran.gzipped)
    else:
        response.set_data(await asyncio.to_thread(gzip.decompress, ran.gzipped))
    return response
