"""The hunts and sweeps that go on here, and those that ended last: what each has come to is told on its topic."""

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

import msgspec
from msgspec import to_builtins

from quart_app.domains.lab.events import FAILED, PROGRESS, RESULT, STOPPED
from quart_app.domains.lab.searching import Plan
from quart_app.domains.lab.shapes import Failure, Progress
from quart_app.lab.laboratory import Laboratory, Tried
from quart_app.realtime import Hub, Refused, Unanswered, limits

_STATE: Final = "what a search has come to"
_STOP: Final = "stop a search"

State = tuple[str, dict[str, Any]]
"""The type of the newest message of a search, and its fields."""


class _Search:
    def __init__(self, topic: str, plan: Plan) -> None:
        self.topic = topic
        self.plan = plan
        self.state: State = (PROGRESS, {"data": Progress(0, sum(len(part.seeds) for part in plan.parts), 0)})
        self.task: asyncio.Task[None] | None = None

    @property
    def goes_on(self) -> bool:
        return self.task is not None and not self.task.done()


class Searches:
    """The hunts and sweeps of a server."""

    def __init__(self, hub: Hub, laboratory: Laboratory) -> None:
        self._hub = hub
        self._laboratory = laboratory
        self._searches: OrderedDict[str, _Search] = OrderedDict()
        hub.nodes.answer(_STATE, self._state_here)
        hub.nodes.answer(_STOP, self._stop_here)

    def begin(self, plan: Plan) -> tuple[str, str]:
        """Begin a search; return its id and its topic. Raise Refused where as many as there may be go on."""
        if sum(one.goes_on for one in self._searches.values()) >= limits.LAB_SEARCHES:
            said = f"{limits.LAB_SEARCHES} hunts or sweeps go on already, as many as there may be at once"
            raise Refused("too_many", said, status=429, retry_after=limits.LAB_SEARCH_RETRY)
        id = secrets.token_urlsafe(9)
        topic = f"lab/{plan.sort}/{id}"
        search = self._searches[topic] = _Search(topic, plan)
        search.task = asyncio.create_task(self._go_on(search), name=topic)
        ended = [one for one, kept in self._searches.items() if not kept.goes_on]
        for one in ended[: max(0, len(self._searches) - limits.LAB_SEARCHES_KEPT)]:
            del self._searches[one]
        return id, topic

    async def state(self, topic: str) -> State:
        """Return the newest of a search, which may go on at another node. Raise Refused (404) where none knows it."""
        state = await self._state_here(topic) or await self._elsewhere(_STATE, topic)
        if state is None:
            raise Refused("topic_not_found", "this hunt or sweep is not kept any more", status=404)
        type, fields = state
        return type, fields

    async def stop(self, topic: str) -> None:
        """Stop a search, if it goes on. Raise Refused (404) where no node knows it."""
        if not (await self._stop_here(topic) or await self._elsewhere(_STOP, topic)):
            raise Refused("not_found", "there is no such hunt or sweep any more", status=404)

    async def close(self) -> None:
        """Stop all."""
        for topic in self._searches:
            await self._stop_here(topic)

    async def _state_here(self, topic: str) -> Any:
        search = self._searches.get(topic)
        return None if search is None else to_builtins(search.state)

    async def _stop_here(self, topic: str) -> bool | None:
        search = self._searches.get(topic)
        if search is None:
            return None
        if search.task is not None and search.goes_on:
            search.task.cancel()
            await asyncio.wait([search.task])
        return True

    async def _elsewhere(self, what: str, topic: str) -> Any:
        try:
            return await self._hub.nodes.find(what, topic)
        except Unanswered as error:
            raise Refused("unavailable", "a node that may have it does not answer", status=503) from error

    async def _go_on(self, search: _Search) -> None:
        try:
            tried = await self._tried(search)
        except Refused as refused:
            self._tell(search, FAILED, {"data": Failure(refused.message)})
        except asyncio.CancelledError:
            self._tell(search, STOPPED, {})
        else:
            self._tell(search, RESULT, {"data": search.plan.result(tried)})

    async def _tried(self, search: _Search) -> Sequence[Sequence[Tried]]:
        """Return what came of each part of the plan. Raise Refused."""
        parts = search.plan.parts
        found: list[list[Tried]] = [[] for _ in parts]
        done, broken, of = 0, 0, sum(len(part.seeds) for part in parts)
        for part, tried in zip(parts, found, strict=True):
            while len(tried) < len(part.seeds):
                rest = msgspec.structs.replace(part, seeds=part.seeds[len(tried) :])
                more = await self._laboratory.tries(rest)
                tried.extend(more)
                done, broken = done + len(more), broken + sum(1 for one in more if one.broken)
                self._tell(search, PROGRESS, {"data": Progress(done, of, broken)})
        return found

    def _tell(self, search: _Search, type: str, fields: dict[str, Any]) -> None:
        search.state = type, fields
        with suppress(Refused):  # there is no room in memory for more topics; who comes is told all the same
            self._hub.broadcast(search.topic, type, **fields)
