"""Requests of clients that poll, whose session is on another node: they are passed on to it, and its answer comes back.

A poll is held open for long, and a question between nodes is not. So the other node is asked to begin, which it says at
once, and comes with the answer when there is one. Either asks again where it hears nothing, and what is asked for twice
is done once. Where an answer cannot be brought back the session ends, because something may be missing: its client
comes back by itself.
"""

import asyncio
from contextlib import suppress
from itertools import count
from typing import Final, NamedTuple, Protocol

from quart_app.realtime import Hub, Refused, Unanswered, limits

_BEGIN: Final = "to begin a Socket.IO request"
_ANSWER: Final = "to take a Socket.IO answer"
_END: Final = "to end a Socket.IO session"
_RELEASE: Final = "to release a Socket.IO poll"
_LOOKS: Final = 0.25  # s between two looks for nodes that are gone


class Answer(NamedTuple):
    """An answer of HTTP."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


# After it a client asks anew.
_NOTHING_YET: Final = Answer(200, [(b"content-type", b"text/plain; charset=UTF-8")], b"6")


class Sessions(Protocol):
    """The sessions of a node."""

    def knows(self, engine_id: str) -> bool:
        """Tell whether a session is here."""

    async def perform(self, method: str, engine_id: str, body: bytes) -> Answer:
        """Do what a request asks for in a session that is here."""

    async def end_session(self, engine_id: str) -> None:
        """End a session, whose peer is gone."""

    async def release(self, engine_id: str) -> None:
        """Let the poll of a session be answered now, if with nothing."""


class _Waiting:
    """A request that waits for the answer of the node `owner`, which was last there at `seen_at` (the loop's clock)."""

    def __init__(self, owner: str, engine_id: str) -> None:
        loop = asyncio.get_running_loop()
        self.owner = owner
        self.engine_id = engine_id
        self.answer: asyncio.Future[Answer | None] = loop.create_future()
        self.seen_at = loop.time()

    def end(self, answer: Answer | None) -> None:
        if not self.answer.done():
            self.answer.set_result(answer)


class Relay:
    """What passes requests on to the sessions of other nodes, and does what they ask for in `sessions`."""

    def __init__(self, hub: Hub, sessions: Sessions) -> None:
        self._hub = hub
        self._sessions = sessions
        self._ids = count(1)
        self._waiting: dict[int, _Waiting] = {}
        self._watcher: asyncio.Task[None] | None = None
        self._under_way: dict[tuple[str, int], asyncio.Task[None]] = {}
        hub.nodes.answer(_BEGIN, self._begin)
        hub.nodes.answer(_ANSWER, self._take)
        hub.nodes.answer(_END, self._end)
        hub.nodes.answer(_RELEASE, self._release)

    def owner(self, engine_id: str) -> str | None:
        """Return the tag of the other node that a session is on, None where there is none."""
        tag = engine_id[: len(self._hub.backplane.tag)]
        return tag if tag in self._hub.backplane.others and not self._sessions.knows(engine_id) else None

    # Here, for a client whose session is elsewhere

    async def request(self, owner: str, method: str, engine_id: str, body: bytes) -> Answer | None:
        """Return what the node `owner` answers to a request in a session of its own; None where it does not know the
        session, or is not reached. Raise Refused where it has too much to do."""
        if self._hub.draining and method == "GET":
            return _NOTHING_YET
        id = next(self._ids)
        waiting = self._waiting[id] = _Waiting(owner, engine_id)
        if self._watcher is None:
            self._watcher = asyncio.create_task(self._watch(), name="relayed requests")
        try:
            if not await self._begun(waiting, id, method, body):
                return None
            return await waiting.answer
        finally:
            del self._waiting[id]

    async def _begun(self, waiting: _Waiting, id: int, method: str, body: bytes) -> bool:
        own = self._hub.backplane.tag
        while not waiting.answer.done():
            with suppress(Unanswered):
                asked = (own, id, method, waiting.engine_id, body)
                return bool(await self._hub.nodes.find(_BEGIN, *asked, tag=waiting.owner))
            await asyncio.sleep(limits.RECONNECT)
        return True

    async def _take(self, id: int, status: int, headers: list[list[bytes]], body: bytes) -> bool:
        """Take an answer; one that nobody waits for any more was taken before, or its session is ended."""
        if (waiting := self._waiting.get(id)) is not None:
            waiting.end(Answer(status, [(name, value) for name, value in headers], body))
        return True

    async def _watch(self) -> None:
        """Give up requests whose node is not reached any more."""
        loop, backplane = asyncio.get_running_loop(), self._hub.backplane
        while self._waiting:
            others = backplane.others if backplane.away_since is None else ()
            for waiting in self._waiting.values():
                if waiting.owner in others:
                    waiting.seen_at = loop.time()
                elif loop.time() - waiting.seen_at > limits.PROBE_DEADLINE:
                    waiting.end(None)
            await asyncio.sleep(_LOOKS)
        self._watcher = None

    async def end(self, owner: str, engine_id: str) -> None:
        """Let the node `owner` end a session, whose peer is gone."""
        with suppress(Unanswered, Refused):
            await self._hub.nodes.find(_END, engine_id, tag=owner)

    async def drain(self) -> None:
        """Let all polls that wait here be answered, so that their clients go on at another node."""
        asked = [self._ask_to_release(waiting) for waiting in self._waiting.values()]
        answers = [waiting.answer for waiting in self._waiting.values()]
        if asked:
            await asyncio.gather(*asked)
            await asyncio.wait(answers, timeout=limits.PROBE)

    async def _ask_to_release(self, waiting: _Waiting) -> None:
        with suppress(Unanswered, Refused):
            await self._hub.nodes.find(_RELEASE, waiting.engine_id, tag=waiting.owner)

    # Here, for a client of another node

    async def _begin(self, asker: str, id: int, method: str, engine_id: str, body: bytes) -> bool:
        if (asker, id) in self._under_way:
            return True
        if not self._sessions.knows(engine_id):
            return False
        if len(self._under_way) >= limits.RELAYED:
            raise Refused("too_many", "too many clients poll by way of other nodes", status=503, retry_after=1.0)
        performing = asyncio.create_task(self._perform(asker, id, method, engine_id, body), name="relayed")
        self._under_way[asker, id] = performing
        performing.add_done_callback(lambda _: self._under_way.pop((asker, id)))
        return True

    async def _perform(self, asker: str, id: int, method: str, engine_id: str, body: bytes) -> None:
        answer = await self._sessions.perform(method, engine_id, body)
        if not await self._brought(asker, id, answer):
            await self._sessions.end_session(engine_id)

    async def _brought(self, asker: str, id: int, answer: Answer) -> bool:
        """Bring an answer to the node `asker`; return whether it has it."""
        clock = asyncio.get_running_loop().time
        gives_up = clock() + limits.NODE_LEASE
        while clock() < gives_up:
            if asker in self._hub.backplane.others:
                with suppress(Unanswered):
                    return bool(await self._hub.nodes.find(_ANSWER, id, *answer, tag=asker))
            await asyncio.sleep(limits.RECONNECT)
        return False

    async def _end(self, engine_id: str) -> bool:
        await self._sessions.end_session(engine_id)
        return True

    async def _release(self, engine_id: str) -> bool:
        await self._sessions.release(engine_id)
        return True

    async def stop(self) -> None:
        """Bring the last answers, and end what is left."""
        if self._under_way:
            await asyncio.wait(self._under_way.values(), timeout=limits.PROBE)
        pending = {*self._under_way.values(), *([self._watcher] if self._watcher else ())}
        while pending:
            for task in pending:
                task.cancel()  # a poll of the library swallows it once
            _, pending = await asyncio.wait(pending, timeout=limits.RECONNECT)
